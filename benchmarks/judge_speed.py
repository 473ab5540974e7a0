"""How fast `predict` judges a video, and whether its memory grows with the video's length.

    python benchmarks/judge_speed.py data/videos/langer_1.mp4

Makes a 60-second 720p clip at 30 frames a second out of the given one, played forth and back, and
times its judging (every third frame looked at, boxes drawn or not). Measures the peak memory of
judging 1 minute and 10 minutes, each in a process of its own, as many frames a second looked at.
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
from time import perf_counter

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.data.videos import read_frames, write_timed_video
from deepfake_detector.prediction import load_detector
from deepfake_detector.reports.examiner import Examiner
from deepfake_detector.verdicts.calibration import load_calibration
from deepfake_detector.viewing.sampling import Sampler
from deepfake_detector.viewing.video import Expert, judge_watched, watch_video

FPS, SIZE_PX, EVERY = 30, (1280, 720), 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path, help="some seconds of video with a face in it")
    parser.add_argument("--detector", type=Path, default=Path("artifacts/train/detector.keras"))
    parser.add_argument(
        "--calibration", type=Path, default=Path("artifacts/judge/calibration.json")
    )
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--every", type=int, default=EVERY)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure_apart(arguments, minutes, Path(folder)) for minutes in arguments.minutes]
    show(rows)


def measure_apart(arguments: argparse.Namespace, minutes: float, folder: Path) -> dict:
    """Make a clip of some minutes and judge it in another process."""
    clip = folder / f"{minutes:g}_minutes.mp4"
    make_clip(arguments.clip, clip, round(60 * FPS * minutes))
    command = [sys.executable, __file__, str(clip), "--one", "--every", str(arguments.every)]
    command += ["--detector", str(arguments.detector), "--calibration", str(arguments.calibration)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    clip.unlink()
    return {"minutes": minutes, **json.loads(done.stdout.splitlines()[-1])}


def make_clip(source: Path, target: Path, count: int) -> None:
    """Make a 720p clip of `count` frames out of a shorter one, played forth and back."""
    frames = [cv2.resize(image, SIZE_PX) for _, image in itertools.islice(read_frames(source), 90)]
    loop = itertools.cycle(frames + frames[::-1])
    timed = ((number / FPS, next(loop)) for number in range(count))
    write_timed_video(target, timed, FPS, {"crf": "23", "preset": "ultrafast"})


def measure(arguments: argparse.Namespace) -> dict:
    """Judge a clip, once without drawing and once with; the network is warm."""
    detector = load_detector(arguments.detector)
    expert = Expert(detector, load_calibration(arguments.calibration))
    watch_video(arguments.clip, expert, Sampler(600))
    begun, cpu = perf_counter(), os.times()
    watched = watch_video(arguments.clip, expert, Sampler(arguments.every))
    verdict = judge_watched(watched, expert.calibration).video.answer
    seconds, used = perf_counter() - begun, os.times()
    memory_judging = read_peak_megabytes()
    with tempfile.TemporaryDirectory() as folder:
        begun = perf_counter()
        Examiner(expert, {}).judge_video(arguments.clip, Sampler(arguments.every), Path(folder))
        seconds_all = perf_counter() - begun
    return {
        "playing": watched.seconds + 1 / FPS,
        "looked_at": len(watched.looked_at),
        "verdict": verdict,
        "judging": seconds,
        "judging_cpu": used.user + used.system - cpu.user - cpu.system,
        "with_report": seconds_all,
        "peak_judging": memory_judging,
        "peak_with_report": read_peak_megabytes(),
    }


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
        print(f"{row['minutes']:g} minutes: judged {ratio:.2f} times as fast as played")
    growth = rows[-1]["peak_judging"] / rows[0]["peak_judging"] - 1
    growth_all = rows[-1]["peak_with_report"] / rows[0]["peak_with_report"] - 1
    print(f"peak memory, longest against shortest: {growth:+.1%} ({growth_all:+.1%} with report)")


if __name__ == "__main__":
    main()
