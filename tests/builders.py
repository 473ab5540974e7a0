"""Calibrations, models and predictors for tests."""

from pathlib import Path

from deepfake_detector.common.files import hash_file, write_json
from deepfake_detector.config.schema import UsableParams
from deepfake_detector.inference.detector import FACE_CLASSIFIER, Detector
from deepfake_detector.inference.model_folders.model_files import LoadedModel, ModelIdentity
from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.verdicts.calibration import Calibration, Fitted, Model
from deepfake_detector.video.sampling import Sampling

USABLE = UsableParams(min_face_px=12, min_face_score=0.5, min_sharpness=0.0, min_frames=4)
DETECTOR_SHA256, CLASSIFIER_SHA256 = "1" * 64, "2" * 64
IDENTITY = ModelIdentity("trained", None, DETECTOR_SHA256, None, "3" * 64)


def make_calibration(**changes) -> Calibration:
    """A calibration that takes the mean of the log-odds as it is, of a detector alone."""
    values = {
        "detector_sha256": DETECTOR_SHA256,
        "classifier_sha256": None,
        "rule": "trimmed_log_odds",
        "fit": "identity",
        "usable": USABLE,
        "model": Model(weights=[1.0, 0.0], covariance=[[0.0] * 2] * 2),
        "min_fake_probability": 0.6,
        "max_real_probability": 0.4,
        "thresholds_note": "",
        "fitted": Fitted(videos=2, sources=2, tracks_real=1, tracks_fake=1, log_loss={}),
    }
    return Calibration(**values | changes)


def make_model(ssd, face_classifier=None, covers=(), **calibration) -> LoadedModel:
    """A model of stand-ins for networks."""
    detector = Detector(ssd, face_classifier)
    return LoadedModel(detector, make_calibration(**calibration), IDENTITY, list(covers))


def make_predictor(ssd, frame_stride=1, **limits) -> DeepfakePredictor:
    """A predictor with a stand-in for its SSD."""
    return DeepfakePredictor(make_model(ssd), Sampling(frame_stride, **limits))


def write_calibration(path: Path, detector: Path, **changes) -> Path:
    """Write a calibration that belongs to a detector's file, and to the classifier beside it."""
    classifier = detector.parent / FACE_CLASSIFIER
    hashes = {
        "detector_sha256": hash_file(detector),
        "classifier_sha256": hash_file(classifier) if classifier.is_file() else None,
    }
    write_json(make_calibration(**hashes | changes).model_dump(), path)
    return path
