"""What tells a copy of a video: hashes of its frames, and of its soundtrack; kept by content."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deepfake_detector.common.files import write_bytes
from deepfake_detector.common.parallel import Workers, add_progress, run_tasks
from deepfake_detector.video.perceptual_hash import hash_video
from deepfake_detector.video.soundtrack import fingerprint_sound

N_FRAMES = 8
VERSION = "1"
"""Fingerprints of another version are not used again. Raise the number when they would differ."""


@dataclass(frozen=True)
class Fingerprint:
    """Hashes of frames, uint64 [at most 8], and words of the soundtrack, uint16, may be none."""

    frames: np.ndarray
    sound: np.ndarray


def read_fingerprints(
    paths: Sequence[Path], hashes: Sequence[str], cache: Path, workers: int
) -> list[Fingerprint]:
    """Make the fingerprints of videos, or read those that were made of the same content.

    Args:
        hashes: SHA-256 of the files.
        cache: folder of what was made.

    Raises:
        ValueError: a video cannot be read.
    """
    files = [cache / f"{sha256}_{VERSION}.bin" for sha256 in hashes]
    new = [(path, file) for path, file in zip(paths, files, strict=True) if not file.is_file()]
    with tqdm(total=len(new), unit=" videos", desc="fingerprint", disable=not new) as bar:
        for _ in run_tasks(_make, new, Workers(workers), bar):
            pass
    return [_read(file) for file in files]


def _make(item: tuple[Path, Path]) -> None:
    path, file = item
    frames = np.array(hash_video(path, N_FRAMES), "<u8")
    content = bytes([len(frames)]) + frames.tobytes()
    write_bytes(content + fingerprint_sound(path).astype("<u2").tobytes(), file)
    add_progress(1)


def _read(file: Path) -> Fingerprint:
    content = file.read_bytes()
    end = 1 + 8 * content[0]
    return Fingerprint(np.frombuffer(content[1:end], "<u8"), np.frombuffer(content[end:], "<u2"))
