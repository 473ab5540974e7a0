"""Videos of different splits that share nearly a frame, or a soundtrack."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from deepfake_detector.data.leaks.fingerprints import N_FRAMES, Fingerprint
from deepfake_detector.data.leaks.same_frames import SameFrame, find_same_frames
from deepfake_detector.data.leaks.same_sound import SameSound, find_same_sound
from deepfake_detector.video.images import encode_jpeg
from deepfake_detector.video.perceptual_hash import read_hashed_frames

_COLUMNS = ["video", "split", "other_video", "other_split", "shares", "detail"]
_PICTURE_HEIGHT_PX = 160
_JPEG_QUALITY = 75


@dataclass(frozen=True)
class Leak:
    """Two videos of different splits and what they share.

    Attributes:
        videos: their names.
        splits: theirs.
        shares: `frame` or `sound`.
        detail: how much alike, in words.
        frames: which of the hashed frames of each to show.
    """

    videos: tuple[str, str]
    splits: tuple[str, str]
    shares: str
    detail: str
    frames: tuple[int, int] = (0, 0)


def find_leaks(
    videos: list[str], splits: list[str], prints: list[Fingerprint], max_frame_distance: int
) -> list[Leak]:
    """Find the leaks between splits, by the names of the videos.

    Args:
        prints: of each video.
        max_frame_distance: bits in which hashes of nearly the same frame differ at most.
    """
    same_frames = find_same_frames([one.frames for one in prints], splits, max_frame_distance)
    same_sound = find_same_sound([one.sound for one in prints], splits)
    leaks = []
    for pair in (*same_frames, *same_sound):
        names = (videos[pair.one], videos[pair.other])
        where = (splits[pair.one], splits[pair.other])
        shares, detail, frames = _describe(pair)
        leaks.append(Leak(names, where, shares, detail, frames))
    return sorted(leaks, key=lambda leak: (leak.videos, leak.shares))


def make_leak_table(leaks: list[Leak]) -> pd.DataFrame:
    """Make the table of leaks."""
    rows = [
        [leak.videos[0], leak.splits[0], leak.videos[1], leak.splits[1], leak.shares, leak.detail]
        for leak in leaks
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def make_pictures(leak: Leak, folder: Path) -> list[tuple[str, bytes]]:
    """Make a small picture of each of the two videos, with its caption."""
    return [
        (f"{video} ({split})", encode_jpeg(image, _JPEG_QUALITY))
        for video, split, place in zip(leak.videos, leak.splits, leak.frames, strict=True)
        if (image := _read_picture(folder / video, place)) is not None
    ]


def _describe(pair: SameFrame | SameSound) -> tuple[str, str, tuple[int, int]]:
    if isinstance(pair, SameFrame):
        detail = f"{pair.distance} of 64 bits differ"
        return "frame", detail, (pair.one_frame, pair.other_frame)
    detail = f"{pair.seconds:g} seconds, {pair.error_rate:.1%} of the bits differ"
    return "sound", detail, (0, 0)


def _read_picture(path: Path, place: int) -> np.ndarray | None:
    """Read the hashed frame of that place, small; None where no frame has contrast."""
    for number, (_, image) in enumerate(read_hashed_frames(path, N_FRAMES)):
        if number == place:
            width = round(image.shape[1] * _PICTURE_HEIGHT_PX / image.shape[0])
            size = (max(1, width), _PICTURE_HEIGHT_PX)
            return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return None
