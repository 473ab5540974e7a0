"""The verdict on a video as `verdict.json` holds it; docs/verdict.md describes each field."""

import hashlib
from pathlib import Path

import numpy as np

from deepfake_detector.inference.analysis import Verdict, VideoAnalysis
from deepfake_detector.inference.detector import FACE_CLASSIFIER
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.decision import Decision
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable
from deepfake_detector.verdicts.smoothing import smooth_fake_score
from deepfake_detector.video.sampling import count_frames_in_header

SCHEMA = 1
DIGITS = 4


def make_record(analysis: VideoAnalysis, verdict: Verdict, calibration: Calibration) -> dict:
    """Say what was seen, and what each face is judged to be; the same for a video each time."""
    return {
        "width_px": analysis.width_px,
        "height_px": analysis.height_px,
        "seconds": round(analysis.seconds, DIGITS),
        "tracks": [
            _track_to_json(track, analysis, verdict, calibration) for track in analysis.tracks
        ],
    }


def count_frames(analysis: VideoAnalysis, path: Path) -> dict:
    """Say how many frames were read, analyzed, and could not be read."""
    missing = (
        max(count_frames_in_header(path) - analysis.frames_read, 1) if analysis.problem else 0
    )
    return {
        "read": analysis.frames_read,
        "analyzed": len(analysis.analyzed),
        "frame_stride": analysis.frame_stride,
        "rejected": missing,
        "rejected_because": analysis.problem,
    }


def decision_to_json(decision: Decision) -> dict:
    """Give an answer with its probability, null where there is none, and its reason."""
    probability = decision.probability
    return {
        "verdict": decision.answer,
        "probability": None if probability is None else round(probability, DIGITS),
        "threshold": round(decision.threshold, DIGITS),
        "reason": decision.reason,
    }


def _track_to_json(
    track: FaceTrack, analysis: VideoAnalysis, verdict: Verdict, calibration: Calibration
) -> dict:
    columns = {
        "frame": track.frames,
        "seconds": np.array([analysis.analyzed[number] for number in track.frames.tolist()]),
        **dict(zip(["left", "top", "right", "bottom"], track.boxes_px.T, strict=True)),
        "real": track.real,
        "fake": track.fake,
        "fake_score": track.compute_fake_score(),
        "fake_score_smoothed": smooth_fake_score(track),
        "sharpness": track.sharpness,
        "counts": find_usable(track, calibration.usable),
    }
    rows = zip(*(_round(column).tolist() for column in columns.values()), strict=True)
    time_line = [dict(zip(columns, row, strict=True)) for row in rows]
    own = decision_to_json(verdict.tracks[track.track])
    return {"track": track.track, **own, "time_line": time_line}


def _round(values: np.ndarray) -> np.ndarray:
    return np.round(values, DIGITS) if values.dtype.kind == "f" else values


def hash_model(detector: Path, calibration: Path) -> dict:
    """Give the SHA-256 of each file that a verdict rests on, null where there is none."""
    files = {
        "detector": detector,
        "face_classifier": detector.parent / FACE_CLASSIFIER,
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
