import cv2
import numpy as np
import pandas as pd
import pytest

from deepfake_detector.data.loading.crop_index import Crop
from deepfake_detector.training.epoch_validation import (
    MAX_CLASSIFIED,
    choose_crops,
    choose_frames,
    classify_best_faces,
)


def test_a_few_frames_of_every_video_are_chosen_with_all_their_faces():
    frames = [("long", 0), ("long", 5), ("long", 5), ("long", 10), ("short", 0)]
    truth = pd.DataFrame(frames, columns=["video", "frame"])
    truth["left"] = np.arange(len(truth))
    wanted, chosen = choose_frames(truth, 2)
    assert wanted.tolist() == [True, False, True, True]  # frames 0, 5, 10 of long, 0 of short
    assert chosen["left"].tolist() == [0, 3, 4]
    wanted, chosen = choose_frames(truth, 3)
    assert wanted.all()
    assert chosen["left"].tolist() == [0, 1, 2, 3, 4]


def test_validation_shows_so_many_faces_of_each_video_spread_over_it():
    def make(video, frame):
        return Crop(None, 0, 0, None, None, 1, video, frame, None, 1.0)

    crops = [make(video, frame) for video in ("one", "two") for frame in range(4)]
    chosen = [(crop.video, crop.frame) for crop in choose_crops(crops, 2)]
    assert chosen == [("one", 0), ("one", 3), ("two", 0), ("two", 3)]
    assert choose_crops(crops, 50) == crops


class MeanBrightness:
    """Stands for a face classifier: logit 2 for a bright crop, -2 for a dark one."""

    crop_scale, crop_px, fusion_weight, min_detection_score = 1.0, 8, 1.0, 0.1

    def predict_on_batch(self, crops):
        return np.where(crops.mean(axis=(1, 2, 3)) > 127, 2.0, -2.0)


def make_frames(videos):
    """A batch of frames of 40x20 px, dark on the left and bright on the right, without crops."""
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:, 20:] = 255
    jpeg = cv2.imencode(".png", picture)[1].tobytes()
    return {
        "image": [jpeg] * len(videos),
        "crops": [[b""]] * len(videos),
        "windows": np.zeros((len(videos), 1, 4)),
        "width_px": [40] * len(videos),
        "height_px": [20] * len(videos),
        "video": [video.encode() for video in videos],
        "frame": [7] * len(videos),
    }


def make_faces(*rows):
    return pd.DataFrame(
        rows, columns=["video", "frame", "left", "top", "right", "bottom", "real", "fake"]
    )


DARK, BRIGHT = (4, 4, 14, 14), (25, 4, 35, 14)


def test_found_faces_get_the_labels_of_the_classifier_and_keep_their_score():
    faces = make_faces(
        ("a", 7, *BRIGHT, 0.6, 0.2),
        ("b", 7, *DARK, 0.1, 0.8),
        ("b", 7, *BRIGHT, 0.04, 0.01),  # scored too low
    )
    labelled = classify_best_faces(MeanBrightness(), faces, make_frames(["a", "b"]))
    fake = 1 / (1 + np.exp(-2))
    assert labelled["fake"].tolist() == pytest.approx([0.8 * fake, 0.9 * (1 - fake), 0.01])
    assert (labelled["real"] + labelled["fake"]).tolist() == pytest.approx([0.8, 0.9, 0.05])


def test_only_the_best_scored_faces_of_a_frame_are_classified():
    scores = np.linspace(0.2, 0.9, MAX_CLASSIFIED + 2)
    faces = make_faces(*[("a", 7, *BRIGHT, score, 0.0) for score in scores])
    labelled = classify_best_faces(MeanBrightness(), faces, make_frames(["a"]))
    assert (labelled["fake"] > 0.1).tolist() == [False] * 2 + [True] * MAX_CLASSIFIED


def test_a_batch_without_found_faces_stays_as_it_is():
    faces = make_faces()
    assert classify_best_faces(MeanBrightness(), faces, make_frames(["a"])).empty
