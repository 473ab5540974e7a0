"""Saved models whose checksums are right and whose content is not: each is loaded, or rejected by
name.

    python benchmarks/mutate_models.py --count 1000

Changes the description of a small network's layers where its structure is, or the bytes of its
weights, packs both anew, and loads the network in a process of its own, which is asked again and
again. Faults are over 10 seconds of CPU time, no answer in two minutes, a process that dies, more
than 1 GB beside the empty process, and any exception but a rejection that names the file: they are
printed with the seed that makes them again, and the exit code is 1.
"""

import argparse
import collections
import json
import os
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "src"), str(PROJECT / "tests")]

from benchmarks.mutate_media import damage_bytes, damage_json  # noqa: E402

MAX_SECONDS, MAX_WAIT_SECONDS, MAX_MB = 10, 120, 1000
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="models (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first (%(default)s)")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer:
        answer_requests()
        return 0
    with tempfile.TemporaryDirectory() as folder:
        counts, faults = run_campaign(Path(folder), arguments.count, arguments.seed)
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(f"faults: {len(faults)}", *faults, sep="\n")
    return 1 if faults else 0


def run_campaign(folder: Path, count: int, seed: int) -> tuple[collections.Counter, list[str]]:
    """Load `count` damaged models; return counts by part and outcome, and texts of faults."""
    from small_detector import make_classifier, make_detector

    whole = [folder / "whole_detector.keras", folder / "whole_classifier.keras"]
    make_detector().save(whole[0])
    make_classifier().save(whole[1])
    counts, faults, loader = collections.Counter(), [], Loader()
    for number in range(seed, seed + count):
        path = folder / "detector.keras"
        rng = random.Random(number)
        part = damage_model(rng.choice(whole), path, rng)
        outcome = loader.load(path)
        if outcome in ("read", "rejected"):
            counts[f"{part} {outcome}"] += 1
        else:
            faults.append(f"{part}, --seed {number} --count 1: {outcome}")
    loader.end()
    return counts, faults


def damage_model(whole: Path, path: Path, rng: random.Random) -> str:
    """Write a damaged copy of a model with right checksums; return the part that was damaged."""
    with zipfile.ZipFile(whole) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part, damage = rng.choice(((CONFIG, damage_json), (WEIGHTS, damage_bytes)))
    parts[part] = damage(parts[part], rng)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return part


class Loader:
    """A process that loads models, begun anew where it died or does not answer."""

    def __init__(self):
        self._process = None

    def load(self, path: Path) -> str:
        """Load a model: `read`, `rejected`, or what went wrong."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--answer"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                bufsize=1,
            )
            self._process.stdout.readline()  # it is ready
        self._process.stdin.write(f"{path}\n")
        if not select.select([self._process.stdout], [], [], MAX_WAIT_SECONDS)[0]:
            return self.end() or f"no answer after {MAX_WAIT_SECONDS} seconds"
        answer = self._process.stdout.readline()
        if not answer:
            code = self._process.wait()
            return self.end() or f"the process ended with {code}"
        return json.loads(answer)

    def end(self) -> None:
        """End the process, where there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
        self._process = None


def answer_requests() -> None:
    """Load what is named line by line, and answer with what came out."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from deepfake_detector.inference.detector import load_detector
    from small_detector import make_detector

    make_detector()  # what Keras loads once
    before = measure_peak_mb()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        path, started = Path(line.rstrip("\n")), time.process_time()
        try:
            load_detector(path)
            outcome = "read"
        except ValueError as error:
            outcome = "rejected" if path.name in str(error) else f"does not name it: {error}"
        except BaseException:  # noqa: BLE001 - what is looked for
            outcome = traceback.format_exc()[-800:]
        if time.process_time() - started > MAX_SECONDS:
            outcome = f"took {time.process_time() - started:.0f} seconds of CPU time ({outcome})"
        if measure_peak_mb() > before + MAX_MB:
            outcome = f"took {measure_peak_mb() - before:.0f} MB ({outcome})"
            before = measure_peak_mb()
        print(json.dumps(outcome), file=answers, flush=True)


def measure_peak_mb() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
