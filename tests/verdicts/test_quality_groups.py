"""Each group of quality has its own calibration."""

import numpy as np
import pytest

from deepfake_detector.config.schema import CalibrateParams, UsableParams
from deepfake_detector.verdicts.calibration import ScoredBy
from deepfake_detector.verdicts.decision import decide_track, decide_video
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.fit_calibration import fit_calibration
from deepfake_detector.verdicts.labelled_videos import LabelledVideo
from deepfake_detector.verdicts.thresholds import choose_thresholds

USABLE = UsableParams(min_face_px=10, min_face_score=0.5, min_sharpness=0.0, min_frames=2)
PARAMS = CalibrateParams(
    max_false_positive_rate=0.1, max_false_negative_rate=0.1, abstain_margin=0.1, usable=USABLE
)
SCORED_BY = ScoredBy("1" * 64, None)
CLEAR, SMALL = 200, 40


def see(fake_score, side_px=CLEAR):
    fake = np.full(5, float(fake_score))
    boxes_px = np.tile([0, 0, side_px, side_px], (5, 1))
    return FaceTrack(1, np.arange(5), boxes_px, 1 - fake, fake, np.full(5, 500.0))


def know(label, source, fake_score, side_px, kind=""):
    track = see(fake_score, side_px)
    return LabelledVideo(f"{source}_{label}", source, label, [track], [label], kind)


def make_videos(side_px, real, fake, count=12):
    """Videos of one size of face, every source real and fake; scores spread a little."""
    spread = np.linspace(-0.04, 0.04, count)
    videos = [know("real", f"s{n}", real + spread[n], side_px) for n in range(count)]
    return videos + [know("fake", f"s{n}", fake + spread[n], side_px) for n in range(count)]


@pytest.fixture(scope="module")
def calibration():
    """Clear faces are told apart; small fakes score as real ones do."""
    return fit_calibration(
        make_videos(CLEAR, 0.2, 0.8) + make_videos(SMALL, 0.2, 0.2), PARAMS, SCORED_BY
    )


def test_groups_with_enough_videos_are_calibrated_apart(calibration):
    assert set(calibration.groups) == {"clear", "small"}
    assert calibration.groups["clear"].missed_fakes == 0
    assert calibration.groups["small"].missed_fakes > 0.4


def test_a_clear_face_gets_an_answer_and_a_small_one_does_not(calibration):
    assert decide_track(see(0.1), calibration).answer == "likely real"
    assert decide_video([see(0.9)], calibration).answer == "likely fake"
    small = decide_video([see(0.1, SMALL)], calibration)
    assert small.answer == "cannot tell"
    assert "no better than by chance" in small.reason


def test_a_quality_that_validation_does_not_show_has_no_answer(calibration):
    clear_only = calibration.model_copy(update={"groups": {"clear": calibration.groups["clear"]}})
    decision = decide_video([see(0.9, SMALL)], clear_only)
    assert (decision.answer, decision.probability) == ("cannot tell", None)
    assert "too few validation videos show small faces" in decision.reason


def test_few_videos_are_calibrated_together():
    few = fit_calibration(make_videos(CLEAR, 0.2, 0.8, count=4), PARAMS, SCORED_BY)
    assert few.groups == {}
    assert decide_video([see(0.9, SMALL)], few).probability is not None


def test_a_kind_of_forgery_that_is_missed_bounds_what_is_called_real():
    is_fake = np.repeat([False, True], [40, 50])
    probabilities = np.concatenate(
        [np.linspace(0.05, 0.3, 40), np.linspace(0.8, 0.95, 40), np.linspace(0.1, 0.2, 10)]
    )
    kinds = np.array([""] * 40 + ["swap"] * 40 + ["lip-sync"] * 10, object)
    pooled = choose_thresholds(is_fake, probabilities, PARAMS)
    apart = choose_thresholds(is_fake, probabilities, PARAMS, kinds)
    assert apart.max_real_probability < 0.11 < pooled.max_real_probability
    assert "lip-sync fake" in apart.note


def test_copies_do_not_hide_that_their_originals_are_called_fake():
    is_fake = np.repeat([False, True], [80, 20])
    originals, copies = np.linspace(0.2, 0.7, 40), np.linspace(0.1, 0.3, 40)
    probabilities = np.concatenate([originals, copies, np.linspace(0.6, 0.95, 20)])
    kinds = np.array(["undegraded"] * 40 + ["crf38"] * 40 + [""] * 20, object)
    pooled = choose_thresholds(is_fake, probabilities, PARAMS)
    apart = choose_thresholds(is_fake, probabilities, PARAMS, kinds)
    rate = PARAMS.max_false_positive_rate
    assert np.mean(originals >= pooled.min_fake_probability) > rate
    assert np.mean(originals >= apart.min_fake_probability) <= rate
    assert "40 undegraded real validation videos" in apart.note
    np.testing.assert_array_equal(probabilities[apart.counted_real], originals)
    few = np.where(np.arange(100) < 5, kinds, "")  # too few to count a tenth on
    assert choose_thresholds(is_fake, probabilities, PARAMS, few).note == pooled.note
