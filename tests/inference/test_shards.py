import cv2
import numpy as np
import pytest

from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.inference.detector import Detector
from deepfake_detector.inference.shards import predict_shards, read_truth

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


def test_faces_of_shards_are_classified_in_their_crops(tmp_path):
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
    detector, shards = Detector(OneFace(), Brightness()), [tmp_path / "clip.tfrecord"]
    faces = predict_shards(detector, shards, batch_size=2)
    assert faces["frame"].tolist() == [5, 10]
    assert faces["left"].tolist() == [200, 200]
    assert faces["classifier_fake_score"].tolist() == pytest.approx(
        [1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(10.0))]
    )
    truth = read_truth(shards)
    assert truth["frame"].tolist() == [0, 5, 10]
    assert truth["label"].tolist() == ["", "real", ""]
    assert truth["left"].tolist() == pytest.approx([np.nan, 200, np.nan], nan_ok=True)


def test_each_frame_of_a_batch_is_classified_in_its_own_crops(tmp_path):
    """Frames with none, one and two crops in one batch, so that some are padded."""
    box = [0.25, 0.25, 0.75, 0.75]
    records = []
    for number, grays in enumerate([[], [104], [97, 103]]):
        crops = [cv2.imencode(".png", make_frame(gray))[1].tobytes() for gray in grays]
        windows = np.array([[0.0, 0.0, 0.2, 0.2], [0.1, 0.1, 0.9, 0.9]][-len(grays) :])
        boxes = np.array([box] * len(grays)).reshape(-1, 4)
        frame = cv2.imencode(".png", make_frame(90))[1].tobytes()
        labels = np.ones(len(grays), int)
        windows = windows if grays else np.zeros((0, 4))
        records.append(FrameRecord(frame, boxes, labels, crops, windows, "a", number, 800, 600))
    write_shard(tmp_path / "a.tfrecord", records)
    faces = predict_shards(Detector(OneFace(), Brightness()), [tmp_path / "a.tfrecord"])
    logits = np.array([-10.0, 4.0, 3.0])
    assert faces["classifier_fake_score"].tolist() == pytest.approx(1 / (1 + np.exp(-logits)))
