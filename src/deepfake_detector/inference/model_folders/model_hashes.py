"""The hashes of the files that faces are scored by."""

from pathlib import Path

from deepfake_detector.common.files import hash_file
from deepfake_detector.inference.detector import FACE_CLASSIFIER
from deepfake_detector.verdicts.calibration import ScoredBy


def hash_detector(detector: Path, face_classifier: Path | None = None) -> ScoredBy:
    """Hash the files that faces are scored by.

    Args:
        face_classifier: its file, where it is not in its folder beside the detector.
    """
    beside = face_classifier or detector.parent / FACE_CLASSIFIER
    return ScoredBy(hash_file(detector), hash_file(beside) if beside.is_file() else None)
