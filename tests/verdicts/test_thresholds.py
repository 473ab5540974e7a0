import numpy as np
import pytest

from deepfake_detector.config.schema import CalibrateParams, UsableParams
from deepfake_detector.verdicts.thresholds import (
    choose_threshold,
    choose_thresholds,
    compute_chance_error,
)

PARAMS = CalibrateParams(
    max_false_positive_rate=0.1,
    max_false_negative_rate=0.25,
    abstain_margin=0.1,
    usable=UsableParams(min_face_px=1, min_face_score=0.0, min_sharpness=0.0, min_frames=1),
)


def test_with_enough_real_videos_they_are_counted():
    """19 videos, rate 0.1: the next one exceeds the 18th of them with probability 2 / 20."""
    threshold, note = choose_threshold(np.arange(1, 20) / 20, 0.1, "real")
    assert threshold == pytest.approx(18 / 20)
    assert threshold > 18 / 20
    assert note == "counted on 19 real validation videos"


def test_between_two_real_videos_the_rate_decides():
    """9 videos, rate 0.15: rank 10 × 0.85 = 8.5, in the middle of the two highest."""
    probabilities = np.array([0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.9])
    assert choose_threshold(probabilities, 0.15, "real")[0] == pytest.approx(0.7)


def test_few_real_videos_are_taken_for_a_bell_curve():
    """Log-odds -1, 0, 1: deviation 1; Student's 90 % of 2 degrees 1.886, × √(4/3) = 2.177."""
    probabilities = 1 / (1 + np.exp(-np.array([-1.0, 0.0, 1.0])))
    threshold, note = choose_threshold(probabilities, 0.1, "real")
    assert threshold == pytest.approx(1 / (1 + np.exp(-2.177)), abs=1e-3)
    assert note == "bell curve of 3 real validation videos; counting supports 25% at best"


def test_the_highest_of_few_real_videos_is_not_called_fake():
    """Low ones and a high one, too few to count: the bell curve alone would end below it."""
    probabilities = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.9])
    threshold, _ = choose_threshold(probabilities, 0.1, "real")
    assert threshold > 0.9


def test_one_real_video_bounds_by_itself():
    threshold, note = choose_threshold(np.array([0.3]), 0.1, "fake")
    assert threshold == pytest.approx(0.3)
    assert note == "above 1 fake validation video; counting supports 50% at best"


def test_the_margin_keeps_answers_away_from_one_half():
    bounds = choose_thresholds(
        np.array([0, 0, 1, 1], bool), np.array([0.1, 0.11, 0.9, 0.9]), PARAMS
    )
    assert (bounds.max_real_probability, bounds.min_fake_probability) == (pytest.approx(0.4), 0.6)


def test_likely_real_ends_where_fakes_begin():
    """3 fakes, rate 1/4: the next one is below the lowest of them with probability 1 / 4."""
    is_fake = np.array([0, 0, 0, 1, 1, 1], bool)
    bounds = choose_thresholds(is_fake, np.array([0.1, 0.1, 0.1, 0.3, 0.8, 0.9]), PARAMS)
    assert bounds.max_real_probability == pytest.approx(0.3)
    assert bounds.max_real_probability < 0.3  # the lowest fake itself is not called real
    assert bounds.note.splitlines()[1] == "25% missed fakes: counted on 3 fake validation videos"


def test_guesses_get_no_answer():
    bounds = choose_thresholds(np.array([0, 1] * 3, bool), np.full(6, 0.7), PARAMS)
    assert (bounds.max_real_probability, bounds.min_fake_probability) == (0, 1)
    assert "right in 50% of pairs" in bounds.note


@pytest.mark.parametrize("is_fake", [[], [1, 1], [0, 0]])
def test_one_label_alone_gets_no_answer(is_fake):
    is_fake = np.array(is_fake, bool)
    bounds = choose_thresholds(is_fake, np.full(len(is_fake), 0.7), PARAMS)
    assert (bounds.max_real_probability, bounds.min_fake_probability) == (0, 1)
    assert "to compare" in bounds.note


def test_guesses_vary_as_mann_and_whitney_say():
    """3 and 3 videos: √(7 / 108) = 0.2546."""
    assert compute_chance_error(np.array([0, 0, 0, 1, 1, 1], bool)) == pytest.approx(0.2546, 1e-3)
