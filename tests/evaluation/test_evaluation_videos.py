import numpy as np
import pandas as pd
import pytest

from deepfake_detector.evaluation.videos import choose_threshold, measure_videos, score_videos


def test_a_video_scores_the_mean_of_its_best_faces_shares(held_out):
    videos = score_videos(held_out).set_index("video")
    assert videos.loc["a", "score"] == pytest.approx(0.05 / 0.95)
    assert videos.loc["b", "score"] == pytest.approx(0.7 / 0.9)
    assert videos.loc["c", "score"] == pytest.approx((0.6 / 0.7 + 1) / 2)


def test_a_video_with_a_fake_face_is_fake_and_one_without_a_face_is_left_out(held_out):
    videos = score_videos(held_out)
    assert dict(zip(videos["video"], videos["is_fake"], strict=True)) == {
        "a": False,
        "b": True,
        "c": True,
    }
    assert list(videos["source"]) == ["ab", "ab", "c"]


def test_a_video_in_which_nothing_was_found_is_undecided(held_out):
    faces = held_out.faces
    of_others = faces.image != 0
    few = type(faces)(faces.image[of_others], faces.boxes[of_others], faces.scores[of_others])
    videos = score_videos(type(held_out)(few, held_out.truth, held_out.images))
    assert videos.set_index("video").loc["a", "score"] == 0.5


def test_shares_called_fake_are_counted_from_the_threshold_on():
    videos = pd.DataFrame(
        {
            "source": ["a", "a", "b"],
            "is_fake": [True, False, False],
            "score": [0.7, 0.7, 0.2],
        }
    )
    figures = measure_videos(videos, np.ones((1, 3)), threshold=0.7)
    assert figures["real_called_fake"] == pytest.approx([0.5])
    assert figures["fake_called_fake"] == pytest.approx([1.0])
    assert figures["video_auc"] == pytest.approx([0.75])
    assert figures["pair_order"] == pytest.approx([0.5])


def test_the_threshold_lets_few_real_videos_be_called_fake():
    scores = np.arange(10) / 10
    videos = pd.DataFrame({"is_fake": [False] * 10 + [True], "score": [*scores, 0.0]})
    threshold = choose_threshold(videos, 0.1)
    assert 0.8 < threshold < 0.9
    assert np.count_nonzero(scores >= threshold) == 1


def test_without_real_videos_everything_may_be_called_fake():
    videos = pd.DataFrame({"is_fake": [True], "score": [0.3]})
    assert choose_threshold(videos, 0.1) == 0.0
