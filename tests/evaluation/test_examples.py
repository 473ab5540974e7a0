"""The frames that are shown: rated by the worst thing in them."""

import cv2
import numpy as np
import pandas as pd
import pytest

from deepfake_detector.data.frame_records import FrameRecord, make_shard_path, write_shard
from deepfake_detector.evaluation.examples import choose_examples, rate_images, read_examples


def test_ratings_and_causes(evaluated):
    rated = rate_images(evaluated, 0.5, 0.5)
    assert rated["rating"].tolist() == pytest.approx([0.85, 0.5, -0.5, 0.95, -0.6])
    assert rated["cause"].tolist() == [
        "real called real, 0.90",
        "fake called fake, 0.70",
        "real called fake, 0.60",
        "fake called fake, 0.95",
        "no face, called fake, 0.80",
    ]


def test_missed_faces_are_the_worst_and_unseen_alarms_do_not_count(evaluated):
    rated = rate_images(evaluated, 1.1, 0.85)  # no overlap is enough: all faces missed
    assert rated["rating"].tolist() == [-1, -1, -1, -1, 1]
    assert rated["cause"].tolist()[0] == "real face missed"
    assert rated["cause"].tolist()[4] == "nothing there, nothing found"


def test_best_and_worst_come_from_all_videos_and_share_no_frame(evaluated):
    rated = rate_images(evaluated, 0.5, 0.5)
    best, worst = choose_examples(rated, 4)
    assert worst.index.tolist() == [4, 2]  # half of five frames, rounded down
    assert best.index.tolist() == [3, 0]


def test_a_video_gives_no_more_than_its_share():
    rated = pd.DataFrame(
        {"video": list("aaaab"), "rating": [-1, -0.9, -0.8, -0.7, 0.5], "faces": 1}
    )
    _, worst = choose_examples(rated, 2)
    assert worst["video"].tolist() == ["a", "b"]


def test_examples_are_read_from_shards_and_boxes_shrink_with_them(evaluated, tmp_path):
    jpeg = cv2.imencode(".jpg", np.full((100, 250, 3), 90, np.uint8))[1].tobytes()
    for video, frames in {"a": [0], "c": [0, 5]}.items():
        records = [
            FrameRecord(
                jpeg,
                np.zeros((0, 4)),
                np.zeros(0, int),
                [],
                np.zeros((0, 4)),
                video,
                frame,
                500,
                200,
            )
            for frame in frames
        ]
        write_shard(make_shard_path(tmp_path, video), records)
    chosen = rate_images(evaluated, 0.5, 0.5).loc[[3, 0]]
    first, second = read_examples(chosen, evaluated, tmp_path, 0.5)
    assert first.caption == "c, frame 5\nfake called fake, 0.95; face of 100 px"
    assert first.picture.shape == (100, 250, 3)
    assert first.faces[["left", "top", "right", "bottom"]].values.tolist() == [[50, 50, 100, 100]]
    assert second.truth["label"].tolist() == ["real"]
