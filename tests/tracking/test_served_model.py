import base64

import cv2
import numpy as np
import pandas as pd
import pytest

from deepfake_detector.tracking import served_model
from deepfake_detector.tracking.registry import FOUND_FACE, list_requirements

TWO_FACES = pd.DataFrame(
    {
        "left": [1.0, 3.0],
        "top": [2.0, 4.0],
        "right": [5.0, 7.0],
        "bottom": [6.0, 8.0],
        "real": [0.1, 0.6],
        "fake": [0.9, 0.3],
    }
)
RED = np.full((20, 30, 3), (255, 0, 0), dtype=np.uint8)


def encode(picture_rgb, kind=".png"):
    encoded = cv2.imencode(kind, picture_rgb[..., ::-1])[1]
    return base64.b64encode(encoded.tobytes()).decode()


@pytest.fixture
def served(monkeypatch):
    """A served detector that finds two faces in every picture that is not black."""
    model = served_model.ServedDetector()
    model._detector = None
    monkeypatch.setattr(
        served_model,
        "find_faces",
        lambda detector, frames: [TWO_FACES if frame.any() else TWO_FACES[:0] for frame in frames],
    )
    return model


def test_each_face_is_a_row_with_its_better_label(served):
    found = served.predict(None, pd.DataFrame({"image": [encode(RED), encode(RED)]}))
    assert found["row"].tolist() == [0, 0, 1, 1]
    assert found["label"].tolist() == ["fake", "real"] * 2
    assert found["score"].tolist() == [0.9, 0.6] * 2
    boxes_px = found.loc[0, ["left_px", "top_px", "right_px", "bottom_px"]]
    assert boxes_px.tolist() == [1.0, 2.0, 5.0, 6.0]


def test_a_request_may_ask_for_sure_faces_only(served):
    pictures = pd.DataFrame({"image": [encode(RED)]})
    assert served.predict(None, pictures, {"score_threshold": 0.7})["score"].tolist() == [0.9]


@pytest.mark.parametrize("pictures", [[], [encode(np.zeros_like(RED))]])
def test_no_faces_are_an_empty_table_with_all_columns(served, pictures):
    found = served.predict(None, pd.DataFrame({"image": pictures}))
    assert len(found) == 0
    assert list(found.columns) == list(FOUND_FACE)
    assert found["row"].dtype == "int64"
    assert found["score"].dtype == "float64"


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_a_picture_is_decoded_as_rgb(kind):
    picture = served_model.decode_image(encode(RED, kind), 0)
    assert picture.shape == (20, 30, 3)
    assert np.abs(picture.astype(int) - RED).max() <= 2  # JPEG loses a little


def test_what_is_not_base64_is_refused_with_its_row():
    with pytest.raises(ValueError, match="row 3: image is not base64"):
        served_model.decode_image("%%%", 3)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_what_is_no_picture_is_refused_with_its_row(content):
    with pytest.raises(ValueError, match="row 1: image is not a JPEG or PNG file"):
        served_model.decode_image(base64.b64encode(content).decode(), 1)


def test_the_model_needs_one_tensorflow_and_exact_versions():
    needed = list_requirements()
    assert len([name for name in needed if name.startswith("tensorflow")]) == 1
    assert all("==" in name for name in needed)
