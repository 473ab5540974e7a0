"""How much faster `predict FOLDER` is than one call a video, and than one video after the other.

    python benchmarks/folder.py BENCH --model released

Cuts short clips out of videos that lie in a folder, and runs `predict` on them as a user does: the
folder at once, the folder with `--workers 1`, one call a clip; turn by turn, `--repeats` times.
Medians of seconds and videos an hour. The verdicts have to be the same bytes but for times.
"""

import argparse
import itertools
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.writing import write_video

PROJECT = Path(__file__).resolve().parents[1]
FPS = 25
TIMES = re.compile(rb',\n "times": \{[^}]*\}')
WAYS = ("folder", "one after the other", "one call a clip")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, help="folder with videos of faces")
    parser.add_argument("--model", default="released", metavar="released|trained|FOLDER")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    videos = sorted(arguments.videos.rglob("*.mp4"))[: arguments.clips]
    if len(videos) < arguments.clips:
        print(f"{arguments.videos}: {len(videos)} videos, {arguments.clips} are needed; skipped")
        return
    with tempfile.TemporaryDirectory() as folder:
        clips = cut_clips(videos, Path(folder) / "clips", arguments.seconds)
        turns = [
            measure_turn(clips, Path(folder), arguments.model) for _ in range(arguments.repeats)
        ]
    show(turns, len(clips))


def cut_clips(videos: list[Path], folder: Path, seconds: float) -> list[Path]:
    """Write the first seconds of each video."""
    folder.mkdir()
    clips = [folder / f"{number:02d}.mp4" for number in range(len(videos))]
    for video, clip in zip(videos, clips, strict=True):
        frames = (image for _, image in itertools.islice(read_frames(video), int(FPS * seconds)))
        write_video(clip, frames, FPS)
    return clips


def measure_turn(clips: list[Path], folder: Path, model: str) -> dict[str, float]:
    """Run each way once; return the seconds, after a look at the verdicts."""
    calls = {
        "folder": [[clips[0].parent]],
        "one after the other": [[clips[0].parent, "--workers", "1"]],
        "one call a clip": [[clip] for clip in clips],
    }
    figures, verdicts = {}, {}
    for way in WAYS:
        out = tempfile.mkdtemp(dir=folder)
        started = perf_counter()
        for words in calls[way]:
            command = [sys.executable, "src/predict.py", *words, "--out", out, "--model", model]
            subprocess.run(command, check=True, cwd=PROJECT, stderr=subprocess.DEVNULL)
        figures[way] = perf_counter() - started
        verdicts[way] = read_verdicts(Path(out))
        print(f"{way}: {figures[way]:.0f} s", flush=True)
    for way in WAYS[1:]:
        if verdicts[way] != verdicts["folder"]:
            raise SystemExit(f"{way}: other verdicts than those of the folder")
    return figures


def read_verdicts(out: Path) -> dict[str, bytes]:
    """Return what each verdict.json holds but for its times."""
    return {
        path.parent.name: TIMES.sub(b"", path.read_bytes()) for path in out.glob("*/verdict.json")
    }


def show(turns: list[dict[str, float]], n_clips: int) -> None:
    """Print medians, and each way's time over that of the folder, turn by turn."""
    for way in WAYS:
        seconds = statistics.median(turn[way] for turn in turns)
        ratio = statistics.median(turn[way] / turn["folder"] for turn in turns)
        print(
            f"{way}: {seconds:.0f} s, {3600 * n_clips / seconds:.0f} videos/h; the folder is "
            f"{ratio:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
