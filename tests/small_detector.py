"""A really saved detector and face classifier, small, with a known answer: they load in a second.

The detector finds one face in the middle of every frame, the more fake the redder and the more
real the bluer the frame is. The face classifier has random weights and half a say.
"""

from pathlib import Path

import keras
import numpy as np

from builders import write_calibration
from deepfake_detector.inference.detector import FACE_CLASSIFIER
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder

SIZE_PX = 8
FACE = [0.25, 0.25, 0.75, 0.75]
FIND = {"score_threshold": 0.01, "nms_iou_threshold": 0.45, "max_detections": 1}


def save_small_detector(folder: Path) -> Path:
    """Save both in a folder as `train` does; give the detector's file."""
    keras.utils.set_random_seed(5)
    classifier = make_classifier(ensemble_size=2)
    (folder / FACE_CLASSIFIER).parent.mkdir(parents=True)
    classifier.save(folder / FACE_CLASSIFIER)
    make_detector().save(folder / "detector.keras")
    return folder / "detector.keras"


def save_small_model(folder: Path, **calibration) -> Path:
    """Save both with a calibration that belongs to them; return the folder."""
    detector = save_small_detector(folder)
    write_calibration(folder / "calibration.json", detector, **calibration)
    return folder


def make_classifier(ensemble_size: int = 1) -> FaceClassifier:
    return FaceClassifier(
        crop_px=64,
        crop_scale=1.5,
        fusion_weight=0.5,
        min_detection_score=0.1,
        dropout=0.3,
        ensemble_size=ensemble_size,
    )


def make_detector() -> keras.Model:
    image = keras.Input((SIZE_PX, SIZE_PX, 3), name="image")
    color = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    box, label = keras.layers.Dense(4), keras.layers.Dense(3)
    outputs = {
        "box": keras.layers.Reshape((1, 4))(box(color)),
        "label": keras.layers.Reshape((1, 3))(label(color)),
    }
    box.set_weights([np.zeros((3, 4)), np.zeros(4)])  # the face is where the anchor is
    red, green, blue = [0.0, -4.0, 4.0], [0.0, 0.0, 0.0], [0.0, 4.0, -4.0]
    label.set_weights([np.array([red, green, blue]), np.array([-9.0, 0.0, 0.0])])
    inference_model = DetectionDecoder(1, [0.1, 0.1, 0.2, 0.2], FIND, name="decode_detections")
    inference_model.anchors.assign([FACE])
    return keras.Model(image, inference_model(outputs))
