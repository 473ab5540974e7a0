import numpy as np
import pytest

from builders import make_calibration
from deepfake_detector.verdicts.calibration import shift_probability
from deepfake_detector.verdicts.decision import decide_track
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.operating_point import set_false_positive_rate, set_prevalence

CALIBRATION = make_calibration(
    min_fake_probability=0.7,
    max_real_probability=0.3,
    thresholds_note="10% false alarms: so\n10% missed fakes: so",
    real_probabilities=[number / 100 for number in range(5, 100, 5)],  # 19 of them
    abstain_margin=0.1,
)


def see(fake_score):
    fake = np.full(5, float(fake_score))
    boxes_px = np.tile([0, 0, 100, 100], (5, 1))
    return FaceTrack(1, np.arange(5), boxes_px, 1 - fake, fake, np.full(5, 500.0))


def test_the_odds_are_those_of_the_video_times_those_of_the_place():
    assert shift_probability(0.8, 0.1) == pytest.approx(4 / 9 / (1 + 4 / 9))  # 4:1 times 1:9
    assert shift_probability(0.8, 0.5) == pytest.approx(0.8)
    assert (shift_probability(0.0, 0.1), shift_probability(1.0, 0.1)) == (0.0, 1.0)


def test_where_fakes_are_rare_the_probability_falls_and_the_answer_stays():
    decision = decide_track(see(0.8), set_prevalence(CALIBRATION, 0.01))
    assert decision.answer == "likely fake"
    assert decision.probability == pytest.approx(4 / 103)  # 4:1 times 1:99
    assert decision.threshold == pytest.approx(shift_probability(0.7, 0.01))
    assert decision.reason.startswith(
        "probability of fake 0.04 where 1% of videos are fake, 0.02 or more"
    )


def test_a_prevalence_takes_the_place_of_another():
    shifted = set_prevalence(set_prevalence(CALIBRATION, 0.1), 0.5)
    assert shifted.prevalence == 0.5
    assert shifted.min_fake_probability == pytest.approx(0.7)


def test_groups_of_quality_are_shifted_too():
    whole = make_calibration(groups={"clear": CALIBRATION})
    assert set_prevalence(whole, 0.1).groups["clear"].prevalence == 0.1


def test_where_there_is_no_answer_there_is_none_at_any_prevalence():
    mute = make_calibration(min_fake_probability=1.0, max_real_probability=0.0)
    assert set_prevalence(mute, 0.01).min_fake_probability == 1.0
    assert set_false_positive_rate(mute, 0.01) == mute


@pytest.mark.parametrize("set_to", [set_prevalence, set_false_positive_rate])
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 2.0])
def test_a_number_outside_is_rejected(set_to, value):
    with pytest.raises(ValueError, match="expected a number between 0 and 1"):
        set_to(CALIBRATION, value)


def test_the_threshold_moves_with_the_rate_of_false_alarms():
    strict = set_false_positive_rate(CALIBRATION, 0.05)  # rank 19 of 19 real videos
    assert strict.min_fake_probability == pytest.approx(0.95)
    assert strict.thresholds_note.startswith("5% false alarms: counted on 19 real")
    assert strict.thresholds_note.endswith("10% missed fakes: so")
    assert decide_track(see(0.8), strict).answer == "cannot tell"
    lax = set_false_positive_rate(CALIBRATION, 0.9)  # rank 2, but never this near to one half
    assert lax.min_fake_probability == pytest.approx(0.6)


def test_a_calibration_that_kept_no_videos_says_so():
    with pytest.raises(ValueError, match=r"does not keep the validation videos .* newer model"):
        set_false_positive_rate(make_calibration(), 0.01)
