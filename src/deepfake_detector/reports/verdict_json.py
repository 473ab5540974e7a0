"""The verdict on a video as `verdict.json` holds it; docs/verdict.md describes each field."""

import hashlib
from pathlib import Path

import numpy as np

from deepfake_detector.inference.analysis import Verdict, Watched
from deepfake_detector.inference.detector import SECOND_LOOK
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.decision import Judgement
from deepfake_detector.verdicts.face_track import TrackEvidence, find_usable
from deepfake_detector.verdicts.smoothing import smooth_fake_share
from deepfake_detector.video.sampling import count_frames_in_header

SCHEMA = 1
DIGITS = 4


def make_record(watched: Watched, verdict: Verdict, calibration: Calibration) -> dict:
    """Say what was seen, and what each face is judged to be; the same for a video each time."""
    return {
        "width_px": watched.width_px,
        "height_px": watched.height_px,
        "seconds": round(watched.seconds, DIGITS),
        "tracks": [
            _track_to_json(track, watched, verdict, calibration) for track in watched.tracks
        ],
    }


def count_frames(watched: Watched, path: Path) -> dict:
    """Say how many frames were read, looked at, and could not be read."""
    missing = max(count_frames_in_header(path) - watched.frames_read, 1) if watched.problem else 0
    return {
        "read": watched.frames_read,
        "looked_at": len(watched.looked_at),
        "every": watched.every,
        "refused": missing,
        "refused_because": watched.problem,
    }


def judgement_to_json(judgement: Judgement) -> dict:
    """Give an answer with its probability, null where there is none, and its reason."""
    probability = judgement.probability
    return {
        "verdict": judgement.answer,
        "probability": None if probability is None else round(probability, DIGITS),
        "threshold": round(judgement.threshold, DIGITS),
        "reason": judgement.reason,
    }


def _track_to_json(
    track: TrackEvidence, watched: Watched, verdict: Verdict, calibration: Calibration
) -> dict:
    columns = {
        "frame": track.frames,
        "seconds": np.array([watched.looked_at[number] for number in track.frames.tolist()]),
        **dict(zip(["left", "top", "right", "bottom"], track.boxes_px.T, strict=True)),
        "real": track.real,
        "fake": track.fake,
        "fake_share": track.compute_fake_share(),
        "fake_share_smoothed": smooth_fake_share(track),
        "sharpness": track.sharpness,
        "counts": find_usable(track, calibration.usable),
    }
    rows = zip(*(_round(column).tolist() for column in columns.values()), strict=True)
    time_line = [dict(zip(columns, row, strict=True)) for row in rows]
    own = judgement_to_json(verdict.tracks[track.track])
    return {"track": track.track, **own, "time_line": time_line}


def _round(values: np.ndarray) -> np.ndarray:
    return np.round(values, DIGITS) if values.dtype.kind == "f" else values


def hash_model(detector: Path, calibration: Path) -> dict:
    """Give the SHA-256 of each file that a verdict rests on, null where there is none."""
    files = {
        "detector": detector,
        "second_look": detector.parent / SECOND_LOOK,
        "calibration": calibration,
    }
    return {
        f"{name}_sha256": hash_file(path) if path.is_file() else None
        for name, path in files.items()
    }


def hash_file(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
