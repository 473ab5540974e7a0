"""Which public data set a folder is."""

from collections.abc import Callable
from pathlib import Path

from deepfake_detector.data.public_sets.celeb_df import is_celeb_df, list_celeb_df
from deepfake_detector.data.public_sets.clip import ListedSet
from deepfake_detector.data.public_sets.df40 import is_df40, list_df40
from deepfake_detector.data.public_sets.dfdc import is_dfdc, list_dfdc
from deepfake_detector.data.public_sets.faceforensics import (
    is_faceforensics,
    list_faceforensics,
)
from deepfake_detector.data.public_sets.fakeavceleb import is_fakeavceleb, list_fakeavceleb
from deepfake_detector.data.public_sets.plain_folders import is_plain, list_plain

_LAYOUTS: tuple[tuple[Callable[[Path], bool], Callable[[Path], ListedSet]], ...] = (
    (is_faceforensics, list_faceforensics),
    (is_celeb_df, list_celeb_df),
    (is_fakeavceleb, list_fakeavceleb),
    (is_dfdc, list_dfdc),
    (is_plain, list_plain),
    (is_df40, list_df40),
)
"""Who recognizes a folder, and who lists its clips, in the order they are asked."""


def list_public_set(folder: Path) -> ListedSet:
    """List the clips of a data set, recognized by its folders.

    Raises:
        ValueError: no known data set, none of its clips, two clips of one name, or a damaged list.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    for is_layout, list_clips in _LAYOUTS:
        if is_layout(folder):
            listed = list_clips(folder)
            _check(listed, folder)
            return listed
    raise ValueError(
        f"{folder}: not laid out as FaceForensics++, DeepFakeDetection, DFDC, Celeb-DF, "
        "FakeAVCeleb or DF40; put the videos into folders real/ and fake/ or fake/METHOD/ in it"
    )


def _check(listed: ListedSet, folder: Path) -> None:
    if not listed.clips:
        raise ValueError(
            f"{folder}: laid out as {listed.name}, but without any of its videos (named by its "
            f"lists: {len(listed.missing)}, not in its lists: {len(listed.unlisted)}); copy them "
            "there"
        )
    first = {}
    for clip in listed.clips:
        other = first.setdefault(clip.video.casefold(), clip)
        if other is not clip:
            raise ValueError(
                f"{clip.path} and {other.path} would both be {clip.video}; rename one of them"
            )
