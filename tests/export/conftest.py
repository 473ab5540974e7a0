import keras
import numpy as np
import pytest

from deepfake_detector.models.ssd.detection_decoder import DetectionDecoder

SIZE_PX = 12
DETECTIONS = {"score_threshold": 0.7, "nms_iou_threshold": 0.45, "max_detections": 20}


@pytest.fixture(scope="session")
def detector():
    """A few layers with 72 anchors that lie on each other, named as in the real network."""
    keras.utils.set_random_seed(3)
    image = keras.Input((SIZE_PX, SIZE_PX, 3), name="image")
    scaled = keras.layers.Rescaling(1 / 128, offset=-127 / 128)(image)
    x = keras.layers.Conv2D(8, 3, 2, padding="same", name="_conv_stem")(scaled)
    x = keras.layers.BatchNormalization(name="_blocks.0._bn0")(x)
    x = keras.layers.ReLU(6.0)(x)
    box = keras.layers.Conv2D(2 * 4, 1, name="box_1")(x)
    label = keras.layers.Conv2D(2 * 3, 1, name="label_1")(x)
    outputs = {
        "box": keras.layers.Reshape((-1, 4), name="box")(box),
        "label": keras.layers.Reshape((-1, 3), name="label")(label),
    }
    decoder = DetectionDecoder(72, [0.1, 0.1, 0.2, 0.2], DETECTIONS, name="decode_detections")
    centers = np.repeat(np.stack(np.meshgrid(*[np.arange(6) / 6] * 2), -1).reshape(-1, 2), 2, 0)
    halves = np.tile([[0.1, 0.1], [0.2, 0.15]], (36, 1))
    decoder.anchors.assign(np.concatenate([centers - halves, centers + halves], axis=1))
    return keras.Model(image, decoder(outputs), name="find_tiny")


@pytest.fixture(scope="session")
def images():
    """Three frames, one of them nearly plain."""
    images = np.random.default_rng(3).uniform(0, 255, (3, SIZE_PX, SIZE_PX, 3))
    images[1] = images[1] / 8 + 110
    return images.astype(np.float32)


@pytest.fixture(scope="session")
def expected(detector, images):
    return detector.predict_on_batch(images)
