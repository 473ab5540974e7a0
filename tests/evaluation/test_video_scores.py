import numpy as np
import pandas as pd
import pytest

from deepfake_detector.config.schema import load_params
from deepfake_detector.evaluation.video_scores import (
    answer_videos,
    measure_videos,
    resample_videos,
    score_videos,
)
from deepfake_detector.verdicts.calibration import ScoredBy
from deepfake_detector.verdicts.fit_calibration import fit_calibration

VIDEOS = pd.DataFrame(
    {
        "source": ["a", "a", "b"],
        "is_fake": [True, False, False],
        "score": [0.7, 0.7, 0.2],
        "wins": [0.5, np.nan, np.nan],
        "probability": [0.9, np.nan, 0.1],
        "answer": ["fake", "", "real"],
    }
)


def test_a_video_scores_the_mean_of_its_best_faces_shares(evaluated):
    videos = score_videos(evaluated).set_index("video")
    assert videos.loc["a", "score"] == pytest.approx(0.05 / 0.95)
    assert videos.loc["b", "score"] == pytest.approx(0.7 / 0.9)
    assert videos.loc["c", "score"] == pytest.approx((0.6 / 0.7 + 1) / 2)


def test_a_video_with_a_fake_face_is_fake_and_one_without_a_face_is_left_out(evaluated):
    videos = score_videos(evaluated)
    assert dict(zip(videos["video"], videos["is_fake"], strict=True)) == {
        "a": False,
        "b": True,
        "c": True,
    }
    assert list(videos["source"]) == ["ab", "ab", "c"]


def test_a_fake_is_compared_with_real_videos_of_its_own_source_only(evaluated):
    wins = score_videos(evaluated).set_index("video")["wins"]
    assert wins["b"] == 1.0  # above `a`, of which it was made
    assert np.isnan(wins["a"])
    assert np.isnan(wins["c"])  # its original is not there


def test_a_video_in_which_nothing_was_found_is_undecided(evaluated):
    faces = evaluated.faces
    of_others = faces.image != 0
    few = type(faces)(faces.image[of_others], faces.boxes[of_others], faces.scores[of_others])
    videos = score_videos(type(evaluated)(few, evaluated.truth, evaluated.images))
    assert videos.set_index("video").loc["a", "score"] == 0.5


def test_figures_are_those_worked_out_by_hand():
    metrics = measure_videos(VIDEOS)
    assert metrics["video_auc"] == 1.0  # 0.9 above the undecided one and 0.1
    assert metrics["score_auc"] == 0.75  # a tie and a win
    assert metrics["paired_auc"] == 0.5
    assert metrics["video_log_loss"] == pytest.approx(-np.log([0.9, 0.5, 0.9]).mean())
    assert metrics["false_positive_rate"] == 0.0
    assert metrics["true_positive_rate"] == 1.0
    assert metrics["abstention_rate"] == pytest.approx(1 / 3)


def test_videos_of_one_label_have_no_ranking_and_no_rate_of_the_other():
    metrics = measure_videos(VIDEOS[~VIDEOS["is_fake"]])
    assert np.isnan(metrics["video_auc"])
    assert np.isnan(metrics["true_positive_rate"])
    assert np.isnan(metrics["paired_auc"])
    assert metrics["abstention_rate"] == 0.5


def test_a_source_drawn_twice_counts_twice():
    n_bootstrap = resample_videos(VIDEOS, np.array(["a", "b"]), np.array([[1, 1], [2, 0], [0, 2]]))
    assert n_bootstrap["abstention_rate"] == pytest.approx([1 / 3, 1 / 2, 0])
    assert n_bootstrap["score_auc"] == pytest.approx([0.75, 0.5, np.nan], nan_ok=True)


def test_an_answer_needs_bounds_and_a_probability():
    calibration = fit_calibration([], load_params().calibrate, ScoredBy("1" * 64, None))
    probability = np.array([0.95, 0.5, 0.05, np.nan])
    assert list(answer_videos(probability, calibration)) == ["", "", "", ""]
    calibration = calibration.model_copy(
        update={"min_fake_probability": 0.8, "max_real_probability": 0.2}
    )
    assert list(answer_videos(probability, calibration)) == ["fake", "", "real", ""]
