"""How time and memory grow with the rows of a data set's tables.

    python benchmarks/table_speed.py

Each line doubles the rows; a ratio near 2 is linear. Faces are given at 100 a frame, a fifth of
them twice; `videos.csv` has a row for each of up to 200,000 videos.
"""

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.common.tables import read_table, write_table
from deepfake_detector.data.validation.same_faces import find_same_faces
from deepfake_detector.data.validation.video_list import read_video_list

FACES_IN_A_FRAME = 100


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        show("the same faces", [50_000, 100_000, 200_000], lambda n: prepare_faces(n))
        show("videos.csv", [50_000, 100_000, 200_000], lambda n: prepare_list(n, folder))
        show("a stage's table", [50_000, 100_000, 200_000], lambda n: prepare_table(n, folder))


def show(name: str, sizes: list[int], prepare: Callable[[int], Callable[[], object]]) -> None:
    """Print seconds and memory for each size, and their ratios to the size before."""
    before = None
    for size in sizes:
        seconds, megabytes = measure(prepare(size))
        line = f"{name}: {size} rows, {seconds:.2f} s, {megabytes:.0f} MB"
        if before:
            line += (
                f"; ratio {seconds / before[0]:.2f} in time, {megabytes / before[1]:.2f} in memory"
            )
        print(line, flush=True)
        before = seconds, megabytes


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Measure the CPU seconds of the faster of two runs, and the megabytes of a third one."""
    runs = []
    for _ in range(2):
        begin = time.process_time()
        work()
        runs.append(time.process_time() - begin)
    seconds = min(runs)
    tracemalloc.start()
    work()
    megabytes = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, megabytes


def prepare_faces(count: int) -> Callable[[], object]:
    """Make faces at random places, a fifth of them twice."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 1800, (count, 2)).astype(float)
    again = np.flatnonzero(rng.random(count - 1) < 0.2) + 1
    corners[again] = corners[again - 1]
    table = pd.DataFrame(
        np.concatenate([corners, corners + 60], axis=1), columns=["left", "top", "right", "bottom"]
    )
    table = table.assign(
        video="a.mp4", frame=np.arange(count) // FACES_IN_A_FRAME, label="real", file="faces.csv",
        row=np.arange(count) + 2,
    )  # fmt: skip
    return lambda: find_same_faces(table, 0.9)


def prepare_list(count: int, folder: Path) -> Callable[[], object]:
    """Make a `videos.csv`, which names the videos by their stems."""
    rows = "".join(f"video_{number:06},source_{number % 1000}\n" for number in range(count))
    (folder / "videos.csv").write_text(f"video,source\n{rows}")
    videos = [f"video_{number:06}.mp4" for number in range(count)]
    return lambda: read_video_list(folder / "videos.csv", videos)


def prepare_table(count: int, folder: Path) -> Callable[[], object]:
    """Make a table as `extract_frames` writes it."""
    table = pd.DataFrame({"video": [f"v{n % 100}.mp4" for n in range(count)]})
    numbers = np.arange(count)
    table = table.assign(frame=numbers, width_px=640, height_px=360, faces=numbers % 3)
    write_table(table, folder / "frames.csv")
    return lambda: read_table(folder / "frames.csv")


if __name__ == "__main__":
    main()
