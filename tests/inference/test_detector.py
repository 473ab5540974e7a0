import cv2
import numpy as np
import pytest

from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.inference.detector import (
    Detector,
    detect_faces,
    load_detector,
    predict_shards,
)

FACE = [0.25, 0.25, 0.75, 0.75]


class OneFace:
    """Stands in for a SSD: a doubtful face in each image that is not black."""

    input_shape = (None, 30, 30, 3)

    def predict_on_batch(self, images):
        boxes, scores = np.zeros((len(images), 2, 4)), np.zeros((len(images), 2, 2))
        seen = np.asarray(images).max(axis=(1, 2, 3)) > 0
        boxes[seen, 0], scores[seen, 0] = FACE, [0.4, 0.4]
        return {"boxes": boxes, "scores": scores}


class Brightness:
    """Stands in for a face classifier: the brighter a face, the likelier it is fake."""

    crop_px, crop_scale, fusion_weight, min_detection_score = 8, 1.0, 1.0, 0.1

    def predict_on_batch(self, crops):
        return crops.mean(axis=(1, 2, 3)) - 100


def make_frame(gray, width_px=80, height_px=60):
    return np.full((height_px, width_px, 3), gray, np.uint8)


def test_a_face_is_looked_at_again_in_the_frame_as_it_was_filmed():
    dark, bright = detect_faces(
        Detector(OneFace(), Brightness()), [make_frame(98), make_frame(103)]
    )
    fake = [1 / (1 + np.exp(2.0)), 1 / (1 + np.exp(-3.0))]
    for faces, share in zip((dark, bright), fake, strict=True):
        assert faces[["left", "top", "right", "bottom"]].to_numpy().tolist() == [[20, 15, 60, 45]]
        assert faces["fake"][0] == pytest.approx(0.8 * share)
        assert faces["real"][0] == pytest.approx(0.8 * (1 - share))
        assert faces["classifier_fake_score"][0] == pytest.approx(share)
        assert faces["ssd_fake_score"][0] == pytest.approx(0.5)


def test_without_a_face_classifier_the_ssd_is_believed():
    (faces,) = detect_faces(Detector(OneFace()), [make_frame(98)])
    assert faces[["real", "fake"]].to_numpy().tolist() == [[0.4, 0.4]]
    assert faces["classifier_fake_score"].isna().all()


def test_a_frame_without_faces_gives_an_empty_table():
    nothing, found = detect_faces(
        Detector(OneFace(), Brightness()), [make_frame(0), make_frame(99)]
    )
    assert len(nothing) == 0
    assert list(nothing.columns) == list(found.columns)


def test_faces_of_shards_are_looked_at_in_their_crops(tmp_path):
    """The crops are brighter than the shrunk frames, so it shows which of the two was seen."""
    frame, crop = (cv2.imencode(".png", make_frame(gray))[1].tobytes() for gray in (90, 102))
    box, window = np.array([FACE]), np.array([[0.1, 0.1, 0.9, 0.9]])
    nobody, black = np.zeros((0, 4)), cv2.imencode(".png", make_frame(0))[1].tobytes()
    records = [
        FrameRecord(black, nobody, np.zeros(0, int), [], nobody, "clip", 0, 800, 600),
        FrameRecord(frame, box, np.array([1]), [crop], window, "clip", 5, 800, 600),
        FrameRecord(frame, nobody, np.zeros(0, int), [], nobody, "clip", 10, 800, 600),
    ]
    write_shard(tmp_path / "clip.tfrecord", records)
    detector = Detector(OneFace(), Brightness())
    faces = predict_shards(detector, [tmp_path / "clip.tfrecord"], batch_size=2)
    assert faces["frame"].tolist() == [5, 10]
    assert faces["left"].tolist() == [200, 200]
    assert faces["classifier_fake_score"].tolist() == pytest.approx(
        [1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(10.0))]
    )


def test_a_missing_detector_is_named_with_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"detector\.keras: no detector here; run `dvc repro`"):
        load_detector(tmp_path / "detector.keras")


def test_a_file_that_is_no_detector_is_rejected(tmp_path):
    (tmp_path / "detector.keras").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not a detector of this project"):
        load_detector(tmp_path / "detector.keras")


def test_of_a_network_with_other_parts_the_cause_is_told_in_a_line(tmp_path, monkeypatch):
    def reject(*_, **__):
        raise TypeError(
            "FaceClassifier could not be made.\n\nconfig={'a': 1}\n\nmissing 'networks'"
        )

    monkeypatch.setattr("keras.models.load_model", reject)
    (tmp_path / "detector.keras").touch()
    with pytest.raises(ValueError, match=r"name another file \(missing 'networks'\)$"):
        load_detector(tmp_path / "detector.keras")
