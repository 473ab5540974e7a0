"""Videos that a released model learned from, or nearly: what it says of them is no test.

A file is known by its SHA-256; a copy of other size or compression by the perceptual hashes of a
few frames. Of 70 clips of three data sets, no two that were not forged from one clip were so near.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.video.perceptual_hash import distance, has_contrast, hash_frame

RECORD = "training_record.json"
"""The file of a released folder with what it was trained on."""

N_FRAMES = 8
"""Frames of a video that are hashed, spread evenly over it as `hash_video` does."""

MAX_DISTANCE = 6
"""Bits in which the hashes of two frames differ that are nearly the same."""

MIN_FRACTION = 0.5
"""Of a video's hashed frames that another video nearly has."""


@dataclass(frozen=True)
class TrainingVideos:
    """The videos of a training: name by SHA-256, and frame hashes by name."""

    names: dict[str, str]
    frame_hashes: dict[str, list[int]]


@dataclass(frozen=True)
class KnownVideo:
    """A video of the training, and whether it is the same file or its frames are nearly so."""

    name: str
    is_same_file: bool

    def __str__(self) -> str:
        kind = "is the same file as" if self.is_same_file else "has nearly the same frames as"
        return f"{kind} {self.name}, which the released model learned from"


def read_training_videos(folder: Path) -> TrainingVideos | None:
    """Read what a released model learned from; None where its folder has no record.

    Release 0.1 kept no frame hashes.

    Raises:
        ValueError: the record is damaged; the message names the command that mends it.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        names = {sha256: name for name, sha256 in record["train_videos"].items()}
        hashes = record.get("train_frame_hashes", {})
        return TrainingVideos(names, {name: from_hex(own) for name, own in hashes.items()})
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: no training record; run `dvc pull released`") from error


def find_known(
    training: TrainingVideos, sha256: str, read_hashes: Callable[[], Iterable[int]]
) -> KnownVideo | None:
    """Find the training video that a video is, or nearly is.

    Args:
        read_hashes: of a few frames of the video; called where its file is not known.
    """
    if sha256 in training.names:
        return KnownVideo(training.names[sha256], True)
    if not training.frame_hashes:
        return None
    hashes = list(read_hashes())
    shared = {name: _count_near(hashes, own) for name, own in training.frame_hashes.items()}
    name = max(shared, key=shared.get)
    is_near = hashes and shared[name] >= MIN_FRACTION * len(hashes)
    return KnownVideo(name, False) if is_near else None


def _count_near(hashes: list[int], others: list[int]) -> int:
    return sum(any(distance(own, other) <= MAX_DISTANCE for other in others) for own in hashes)


def to_hex(hashes: Iterable[int]) -> list[str]:
    """Write hashes as texts of 16 digits, for JSON."""
    return [f"{own:016x}" for own in hashes]


def from_hex(texts: Iterable[str]) -> list[int]:
    """Read what `to_hex` wrote."""
    return [int(text, 16) for text in texts]


class FrameHasher:
    """Hashes about the frames that `hash_video` would, of those that are read anyway."""

    def __init__(self, frames: int):
        """Wait for the frames of a video of about so many."""
        self.hashes: list[int] = []
        self._wanted = [int((place + 0.5) * frames / N_FRAMES) for place in range(N_FRAMES)]

    def add(self, number: int, image: np.ndarray) -> None:
        """Take in the next frame, uint8 RGB [height, width, 3]."""
        is_due = bool(self._wanted) and number >= self._wanted[0]
        self._wanted = [wanted for wanted in self._wanted if wanted > number]
        if is_due and has_contrast(image):
            self.hashes.append(hash_frame(image))
