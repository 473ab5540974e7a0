"""Cost of looking for leaks among 10,000 videos of 8 hashes and 10 seconds of sound, and a tenth.

    python benchmarks/leak_scale.py [--videos 10000]

Hashes and words are drawn at random, 60 % of the videos are train; prints seconds of CPU.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.data.leaks.same_frames import find_same_frames
from deepfake_detector.data.leaks.same_sound import find_same_sound

WORDS = 156
SPLITS = ["train", "train", "train", "validation", "test"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=10_000)
    videos = parser.parse_args().videos
    for count in (videos // 10, videos):
        generator = np.random.default_rng(0)
        hashes = list(generator.integers(0, 2**64, (count, 8), dtype=np.uint64))
        sounds = list(generator.integers(0, 2**16, (count, WORDS), dtype=np.uint16))
        groups = [SPLITS[number % 5] for number in range(count)]
        started = time.process_time()
        find_same_frames(hashes, groups, 4)
        frames = time.process_time()
        find_same_sound(sounds, groups)
        sound = time.process_time()
        print(f"{count} videos: frames {frames - started:.1f} s, sound {sound - frames:.1f} s")


if __name__ == "__main__":
    main()
