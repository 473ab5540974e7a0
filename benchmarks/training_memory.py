"""How the memory of training grows with the data set: one copy of the shards against ten.

Needs the shards of a data set: run `dvc repro split` before. Each measurement is a training of its
own process, whose greatest resident size counts. `benchmarks/README.md` says what bounds it.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

COPIES = (1, 10)
MAX_GROWTH = 1.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--measure", type=int, metavar="COPIES", help="one training, in here")
    arguments = parser.parse_args()
    if arguments.measure:
        train(arguments.measure, arguments.steps)
        return
    peaks = {copies: [] for copies in COPIES}
    for _ in range(arguments.repeats):
        for copies in COPIES:
            peaks[copies].append(measure(copies, arguments.steps))
    one, ten = (statistics.median(peaks[copies]) for copies in COPIES)
    print(f"shards x1: {one / 1e6:.2f} GB, x10: {ten / 1e6:.2f} GB, medians of {peaks}")
    print(f"ratio {ten / one:.3f}, at most {MAX_GROWTH}")


def measure(copies: int, steps: int) -> int:
    """Give the peak of a training in a new process, in kB."""
    command = [sys.executable, __file__, "--measure", str(copies), "--steps", str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return int(done.stdout.split()[-1])


def train(copies: int, steps: int) -> None:
    """Train one epoch on the train split, each shard `copies` times on disk; print the peak."""
    import pandas as pd

    from deepfake_detector.config.schema import load_params
    from deepfake_detector.data.splits.listing import Shards
    from deepfake_detector.training.ssd import train_ssd

    params = load_params(PROJECT / "params.yaml")
    short = params.train.model_copy(update={"epochs": 1, "steps_per_epoch": steps})
    videos = {
        split: pd.read_csv(f"artifacts/split/{split}.csv")["video"]
        for split in ("train", "validation")
    }
    sources = {
        split: [Path("artifacts/extract_frames", f"{video}.tfrecord") for video in names]
        for split, names in videos.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        copied = []
        for number in range(copies):
            for source in sources["train"]:
                copied.append(Path(folder, f"{number}_{source.name}"))
                copied[-1].symlink_to(source.resolve())
        shards = Shards(train=copied, validation=sources["validation"][:2])
        out = Path(folder, "train")
        train_ssd(params.model_copy(update={"train": short}), shards, out, "", lambda row: None)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
