import numpy as np
import pandas as pd
import pytest

from deepfake_detector.inference import occlusion
from deepfake_detector.inference.detector import Detector

BOX_PX = np.array([40.0, 20.0, 100.0, 80.0])
IMAGE = np.zeros((120, 160, 3), np.uint8)
IMAGE[20:30, 40:50] = 255  # the first cell of the face


def answer(frames, fake_score):
    columns = ["left", "top", "right", "bottom", "real", "fake"]
    return [
        pd.DataFrame([[*BOX_PX, 1 - fake_score(f), fake_score(f)]], columns=columns)
        for f in frames
    ]


def test_the_place_whose_covering_lowers_the_fake_share_is_the_evidence(monkeypatch):
    def detect_faces(detector, frames):  # fake as long as the white cell is seen
        return answer(frames, lambda frame: 0.9 if frame[20:30, 40:50].mean() > 200 else 0.1)

    monkeypatch.setattr(occlusion, "detect_faces", detect_faces)
    sensitivity = occlusion.measure_occlusion(Detector(None), IMAGE, BOX_PX)
    assert sensitivity.shape == (6, 6)
    assert sensitivity[0, 0] == pytest.approx(0.8)
    assert sensitivity[0, 1] == pytest.approx(
        0.4
    )  # one of the two patches over it covers the cell
    assert np.abs(sensitivity[2:]).max() == pytest.approx(0)


def test_where_the_face_is_lost_there_is_no_number(monkeypatch):
    def detect_faces(detector, frames):
        return [
            answer([frame], lambda frame: 0.9)[0][: int(frame[20:30, 40:50].mean() > 200)]
            for frame in frames
        ]

    monkeypatch.setattr(occlusion, "detect_faces", detect_faces)
    sensitivity = occlusion.measure_occlusion(Detector(None), IMAGE, BOX_PX)
    assert np.isnan(sensitivity[0, 0])
    assert np.isnan(sensitivity).sum() == 1


class SeesWhite:
    """A face classifier that is sure to nine tenths of a fake while it sees anything white."""

    crop_scale, crop_px = 1.0, 80

    def predict_on_batch(self, crops):
        return np.where(crops.max(axis=(1, 2, 3)) > 200, 1, -1) * np.log(9)


def test_the_face_classifier_is_asked_where_there_is_one():
    sensitivity = occlusion.measure_occlusion(Detector(None, SeesWhite()), IMAGE, BOX_PX)
    assert sensitivity[0, 0] == pytest.approx(0.8)  # 0.9 as it is, 0.1 where the cell is covered
    assert sensitivity[0, 1] == pytest.approx(0.4)
    assert np.abs(sensitivity[2:]).max() == pytest.approx(0)


def test_covering_uses_the_mean_colour_of_the_face_and_leaves_the_rest():
    covered = occlusion.occlude(IMAGE, BOX_PX, 0, 0)
    assert covered[20, 40].tolist() == [7, 7, 7]  # 255 / 36 cells
    assert IMAGE[20, 40].tolist() == [255, 255, 255]
    assert covered[40:, :].max() == 0


def test_a_box_over_the_edge_is_cut_at_it():
    assert occlusion.cut_box(IMAGE, np.array([-9.0, -9.0, 20.4, 10.0])).shape == (10, 21, 3)
    assert occlusion.cut_box(IMAGE, np.array([300.0, 50.0, 310.0, 60.0])).shape == (10, 1, 3)
