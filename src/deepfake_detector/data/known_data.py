"""Videos of a data set that the released model learned from, or nearly."""

import json
from pathlib import Path

import pandas as pd

from deepfake_detector.common.files import write_json
from deepfake_detector.data.known_videos import (
    N_FRAMES,
    KnownVideo,
    find_known,
    from_hex,
    read_training_videos,
    to_hex,
)
from deepfake_detector.video.perceptual_hash import hash_video

HASHES = "frame_hashes.json"
"""What was hashed before, by the SHA-256 of the file."""


def find_known_in_data(
    released: Path, videos: pd.DataFrame, folder: Path, kept: Path
) -> dict[str, KnownVideo]:
    """Find the videos of a data set that a released model learned from, by their names.

    Args:
        released: its folder; without it, or without its record, nothing is known.
        videos: `video, sha256`, one row a video that decodes.
        folder: where they lie.
        kept: the folder where frame hashes are kept, so that no video is hashed twice.
    """
    training = read_training_videos(released)
    if training is None:
        return {}
    path = kept / HASHES
    hashes = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def read_hashes(video: str, sha256: str) -> list[int]:
        if sha256 not in hashes:
            hashes[sha256] = to_hex(hash_video(folder / video, N_FRAMES))
        return from_hex(hashes[sha256])

    pairs = list(zip(videos["video"], videos["sha256"], strict=True))
    found = {
        video: find_known(training, sha256, lambda v=video, s=sha256: read_hashes(v, s))
        for video, sha256 in pairs
    }
    if hashes:
        write_json(hashes, path)
    return {video: known for video, known in found.items() if known is not None}


def known_to_text(known: dict[str, KnownVideo], most: int = 5) -> str:
    """Say which videos of a data set the released model learned from; at least one.

    Args:
        most: videos that are named.
    """
    named = [f"{video} {one}" for video, one in list(known.items())[:most]]
    more = len(known) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")
