"""What the search for small faces costs `predict`, by the length of a video.

    python benchmarks/small_faces_cost.py DATA_FOLDER [--seconds 10 60] [--clips 2]

Writes videos of clips of an annotated folder's validation split, shown forward and backward until
they are so long, and analyzes each with the search and without it, turn by turn: CPU time of the
whole analysis, decoding included. The videos are those of `small_faces.py`, and clips with one
large face enlarged to 1920 x 1080 and to 1280 x 720 px.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from small_faces import (
    FPS,
    PROJECT,
    STRIDE,
    NoSearch,
    cover,
    list_empty,
    place_clip,
    put_beside,
    read_clips,
)

from deepfake_detector.config.schema import load_params
from deepfake_detector.inference import analysis, predictor
from deepfake_detector.inference.model_folders.model_files import load_model
from deepfake_detector.video.writing import write_video


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="videos/, annotations/ and videos.csv")
    parser.add_argument("--seconds", type=int, nargs="+", default=[10])
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--model", default="released")
    asked = parser.parse_args()
    sampling = predictor.make_sampling(load_params(PROJECT / "params.yaml").predict)
    judge = predictor.DeepfakePredictor(load_model(asked.model), sampling)
    generator, rows = np.random.default_rng(20), []
    for clip, other in itertools.pairwise(
        itertools.islice(read_clips(asked.data), asked.clips + 1)
    ):
        for name, images in make_videos(clip, other, generator):
            for seconds in asked.seconds:
                row = compare(judge, images, seconds)
                rows.append({"video": name, "seconds": seconds, **row})
    table = pd.DataFrame(rows).groupby(["video", "seconds"], sort=False).sum()
    table["cpu_ratio"] = table["cpu_tiles"] / table["cpu_whole_frame"]
    sys.stdout.write(table.round(3).to_string() + "\n")


def make_videos(clip, other, generator) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Make the videos of a clip."""
    for low, high in ((24, 48), (48, 80)):
        yield f"{low}-{high} px", place_clip(*clip, generator.uniform(low, high), generator)[0]
    yield "no face", list_empty(*clip)
    yield "large face, 720 lines", cover(*clip, (1280, 720))[0]
    yield "large face, 1080 lines", cover(*clip)[0]
    yield "24-48 px beside a large one", put_beside(clip, other, generator.uniform(24, 48))[0]


def compare(judge, images: list[np.ndarray], seconds: int) -> dict[str, float]:
    """Analyze a video of so many seconds with the search and without it: CPU seconds of each."""
    there_and_back = itertools.cycle([*images, *images[::-1]])
    shown = itertools.islice(there_and_back, seconds * FPS // STRIDE)
    search, cpu = analysis.SmallFaceSearch, {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        write_video(path, (image for image in shown for _ in range(STRIDE)), FPS)
        for name, used in (("whole_frame", NoSearch), ("tiles", search)):
            analysis.SmallFaceSearch = used
            started = process_time()
            judge.analyze(path)
            cpu[f"cpu_{name}"] = process_time() - started
    analysis.SmallFaceSearch = search
    return cpu


if __name__ == "__main__":
    main()
