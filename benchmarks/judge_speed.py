"""How fast `predict` judges a video, and whether its memory grows with the video's length.

    python benchmarks/judge_speed.py data/videos/langer_1.mp4

Makes 720p clips of 1 and 10 minutes at 30 frames a second out of the given one, played forth and
back, and judges each in a process of its own, every third frame analyzed; `--across 3` has nine
times the faces, the given clip nine times in one picture. Reading, looking and the verdict are
"judging"; "with_report" adds the drawn video and report.html. CPU seconds are of all threads, and
say more than seconds where the machine has other work; the peak is of memory.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.reports.verdict_files import write_report
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.sampling import Sampling
from deepfake_detector.video.writing import write_timed_video

FPS, SIZE_PX, FRAME_STRIDE = 30, (1280, 720), 3
WARM_UP_FRAMES = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path, help="some seconds of video with a face in it")
    parser.add_argument("--model", default="trained", metavar="released|trained|FOLDER")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--frame-stride", type=int, default=FRAME_STRIDE)
    parser.add_argument("--across", type=int, default=1)
    parser.add_argument("--warm-up", type=Path, help=argparse.SUPPRESS)  # in its own process
    arguments = parser.parse_args()
    if arguments.warm_up:
        print(json.dumps(measure(arguments)))
        return
    with tempfile.TemporaryDirectory() as folder:
        warm_up = Path(folder) / "warm_up.mp4"
        make_clip(arguments, warm_up, WARM_UP_FRAMES)
        rows = [measure_apart(arguments, minutes, warm_up) for minutes in arguments.minutes]
    show(rows)


def measure_apart(arguments: argparse.Namespace, minutes: float, warm_up: Path) -> dict:
    """Make a clip of some minutes and judge it in another process, after a short one."""
    clip = warm_up.with_name(f"{minutes:g}_minutes.mp4")
    make_clip(arguments, clip, round(60 * FPS * minutes))
    command = [
        sys.executable,
        __file__,
        str(clip),
        "--warm-up",
        str(warm_up),
        "--frame-stride",
        str(arguments.frame_stride),
    ]
    command += ["--model", arguments.model]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    clip.unlink()
    return {"minutes": minutes, **json.loads(done.stdout.splitlines()[-1])}


def make_clip(arguments: argparse.Namespace, target: Path, count: int) -> None:
    """Make a 720p clip of `count` frames out of a shorter one, played forth and back."""
    across = arguments.across
    part_px = tuple(side // across for side in SIZE_PX)
    frames = [
        cv2.resize(np.tile(cv2.resize(image, part_px), (across, across, 1)), SIZE_PX)
        for _, image in itertools.islice(read_frames(arguments.clip), 90)
    ]
    loop = itertools.cycle(frames + frames[::-1])
    timed = ((number / FPS, next(loop)) for number in range(count))
    write_timed_video(target, timed, FPS, {"crf": "23", "preset": "ultrafast"})


def measure(arguments: argparse.Namespace) -> dict:
    """Judge a clip and write its report; the network is warm."""
    predictor = DeepfakePredictor.load(arguments.model, Sampling(arguments.frame_stride))
    warm_up = predictor.analyze(arguments.warm_up)
    write_report(warm_up, predictor.model, arguments.clip.parent)
    stations = {"begun": read_clocks()}
    with tempfile.TemporaryDirectory() as folder:
        analysis = predictor.analyze(arguments.clip)
        stations["analyzed"] = read_clocks()
        record = write_report(analysis, predictor.model, Path(folder))
    stations["end"] = read_clocks()
    judging, with_report = (
        [after - before for after, before in zip(stations[name], stations["begun"], strict=True)]
        for name in ("analyzed", "end")
    )
    return {
        "playing": analysis.seconds + 1 / FPS,
        "analyzed": analysis.frames.analyzed,
        "faces": sum(len(track.frames) for track in analysis.tracks),
        "verdict": record["verdict"],
        "judging": judging[0],
        "judging_cpu": judging[1],
        "with_report": with_report[0],
        "with_report_cpu": with_report[1],
        "peak_judging": stations["analyzed"][2],
        "peak_with_report": stations["end"][2],
    }


def read_clocks() -> tuple[float, float, float]:
    """Give seconds, CPU seconds, and the peak of memory so far."""
    return perf_counter(), process_time(), read_peak_megabytes()


def read_peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(rows: list[dict]) -> None:
    print(f"{os.cpu_count()} cores; seconds, MB")
    names = list(rows[0])
    print("  ".join(f"{name:>16}" for name in names))
    for row in rows:
        cells = [f"{v:.1f}" if isinstance(v, float) else str(v) for v in row.values()]
        print("  ".join(f"{cell:>16}" for cell in cells))
    for row in rows:
        ratio = row["playing"] / row["judging"]
        at_best = row["playing"] / (row["judging_cpu"] / os.cpu_count())
        print(
            f"{row['minutes']:g} minutes: judged {ratio:.2f} times as fast as played "
            f"({at_best:.2f} by CPU seconds over cores)"
        )
    growth = rows[-1]["peak_judging"] / rows[0]["peak_judging"] - 1
    growth_all = rows[-1]["peak_with_report"] / rows[0]["peak_with_report"] - 1
    print(f"peak memory, longest against shortest: {growth:+.1%} ({growth_all:+.1%} with report)")


if __name__ == "__main__":
    main()
