import numpy as np
import pytest
from scipy.special import expit, logit

from builders import USABLE, make_calibration
from deepfake_detector.config.schema import CalibrateParams
from deepfake_detector.verdicts.calibration import Model, ScoredBy, load_calibration
from deepfake_detector.verdicts.decision import decide_video
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.fit_calibration import fit_calibration
from deepfake_detector.verdicts.labelled_videos import LabelledVideo
from deepfake_detector.verdicts.operating_point import set_false_positive_rate
from deepfake_detector.verdicts.released_prior import (
    MIN_OWN_VIDEOS,
    UNCHANGED,
    ReleasedPrior,
    predict_left_out,
)

PARAMS = CalibrateParams(
    max_false_positive_rate=0.1, max_false_negative_rate=0.1, abstain_margin=0.1, usable=USABLE
)
SCORED_BY = ScoredBy("8" * 64, "9" * 64)
CLEAR, SMALL = 200, 40
RELEASED = make_calibration(
    real_probabilities=[number / 100 for number in range(1, 100)],  # the 90th of 99 is .9
    min_fake_probability=0.95,
    max_real_probability=0.2,
    min_segment_probability=0.97,
)
"""Takes the detector at its word; of real videos 1 in 10 has a probability of .9 or more."""

OWN = {"a": (0.3, 0.7), "b": (0.2, 0.8), "c": (0.3, 0.7)}
"""The fake share of the real and of the fake video of each source."""


def see(fake_score, side_px=CLEAR):
    fake = np.full(5, float(fake_score))
    boxes_px = np.tile([0, 0, side_px, side_px], (5, 1))
    return FaceTrack(1, np.arange(5), boxes_px, 1 - fake, fake, np.full(5, 500.0))


def know(label, source, fake_score, side_px=CLEAR):
    track = see(fake_score, side_px)
    return LabelledVideo(f"{source}_{label}", source, label, [track], [label])


def make_videos(scores=None, move=(0.0, 0.0), side_px=CLEAR):
    """A real and a fake video of each source, their log-odds moved."""
    return [
        know(label, source, expit(logit(score) + moved), side_px)
        for source, pair in (scores or OWN).items()
        for label, score, moved in zip(("real", "fake"), pair, move, strict=True)
    ]


def fit(videos, released=RELEASED, as_released=None):
    prior = ReleasedPrior(released, "0.2", as_released or make_videos())
    return fit_calibration(videos, PARAMS, SCORED_BY, prior)


def correct(probability, calibration):
    """What the correction makes of a released probability, by hand (MacKay 1992, equation 21)."""
    model = calibration.adaptation.model
    row = np.array([logit(probability), 1.0])
    variance = row @ np.array(model.covariance) @ row
    return expit(row @ model.weights / np.sqrt(1 + np.pi * variance / 8))


def test_the_released_rule_and_model_stay_and_own_videos_correct_them():
    calibration = fit(make_videos())
    assert (calibration.rule, calibration.fit) == (RELEASED.rule, RELEASED.fit)
    assert calibration.model == RELEASED.model
    assert calibration.detector_sha256 == SCORED_BY.detector_sha256
    adaptation = calibration.adaptation
    assert (adaptation.released, adaptation.videos, adaptation.shift) == ("0.2", 6, 0.0)
    assert adaptation.model.weights[0] > 1  # all own videos are on their side
    assert adaptation.model.weights[1] == pytest.approx(0, abs=1e-9)
    assert adaptation.model.covariance[0][0] < UNCHANGED.covariance[0][0]
    assert (calibration.fitted.videos, calibration.fitted.sources) == (6, 3)


def test_what_moves_all_scores_alike_changes_no_answer():
    moved = fit(make_videos(move=(1.5, 1.5)))
    assert moved.adaptation.shift == pytest.approx(1.5)
    still = fit(make_videos())
    assert moved.min_fake_probability == pytest.approx(still.min_fake_probability)
    for score in (0.1, 0.5, 0.99):
        shifted = decide_video([see(expit(logit(score) + 1.5))], moved)
        assert shifted.probability == pytest.approx(decide_video([see(score)], still).probability)


def test_fakes_that_score_higher_and_real_faces_that_score_lower_are_no_shift():
    calibration = fit(make_videos(move=(-2, 2)))
    assert calibration.adaptation.shift == pytest.approx(0)


def test_a_shift_is_measured_on_videos_that_both_detectors_judge():
    seen = [video for video in make_videos() if video.source != "b"]
    lost = LabelledVideo("b_real", "b", "real", [], [])
    videos = make_videos(move=(1, 1))
    assert fit(videos, as_released=[*seen, lost]).adaptation.shift == pytest.approx(1)
    assert fit(videos, as_released=[lost]).adaptation.shift == 0


def test_own_real_videos_alone_move_no_model():
    """Learned from, they would make everything real."""
    videos = [video for video in make_videos(move=(1, 1)) if video.label == "real"]
    adaptation = fit(videos).adaptation
    assert adaptation.model == UNCHANGED
    assert adaptation.shift == pytest.approx(1)


def test_released_real_videos_fill_up_what_a_rate_is_counted_on():
    """19 of 20 for 3 own: of 17 quantiles of the released ones the 15.9th + .9 of the next."""
    calibration = fit(make_videos())
    assert len(calibration.real_probabilities) == MIN_OWN_VIDEOS
    released = [correct(place / 18, calibration) for place in range(1, 18)]
    ordered = sorted([*released, *predict_left_out(make_videos(), prior(), USABLE)[::2]])
    assert calibration.real_probabilities == pytest.approx(ordered)
    assert calibration.min_fake_probability == pytest.approx(
        ordered[17] + 0.9 * (ordered[18] - ordered[17])  # rank 21 * 0.9 = 18.9, from 1
    )
    assert "counted on 20 real validation videos, 3 of them own" in calibration.thresholds_note


def prior(released=RELEASED, videos=None):
    return ReleasedPrior(released, "0.2", videos or make_videos())


def test_own_real_videos_that_look_fake_raise_the_bound():
    usual = fit(make_videos())
    alarming = OWN | dict.fromkeys("de", (0.97, 0.98))
    raised = fit(make_videos(alarming), as_released=make_videos(alarming))
    answers = [decide_video([see(0.93)], one).answer for one in (usual, raised)]
    assert answers == ["likely fake", "cannot tell"]


def test_an_own_fake_that_looks_real_lowers_the_bound_under_it():
    missed = OWN | {"d": (0.1, 0.1)}
    videos = make_videos(missed)
    calibration = fit(videos, as_released=videos)
    worst = predict_left_out(videos, prior(videos=videos), USABLE)[-1]
    assert worst < correct(RELEASED.max_real_probability, calibration)
    assert calibration.max_real_probability == np.nextafter(worst, 0)


def test_own_fakes_that_are_found_leave_the_released_bound():
    calibration = fit(make_videos())
    expected = correct(RELEASED.max_real_probability, calibration)
    assert calibration.max_real_probability == pytest.approx(expected)
    assert calibration.min_segment_probability == pytest.approx(correct(0.97, calibration))


def test_a_released_calibration_that_kept_no_probabilities_keeps_its_bound():
    released = RELEASED.model_copy(update={"real_probabilities": []})
    calibration = fit(make_videos(), released)
    assert calibration.min_fake_probability == pytest.approx(correct(0.95, calibration))


def test_own_videos_that_say_the_opposite_leave_no_answer():
    upside_down = dict.fromkeys("abcdef", (0.9, 0.1))
    calibration = fit(make_videos(upside_down), as_released=make_videos(upside_down))
    decision = decide_video([see(0.99)], calibration)
    assert decision.answer == "cannot tell"
    assert "told apart worse than by chance (0% of pairs)" in decision.reason


def test_a_source_is_judged_by_the_others():
    videos = make_videos(move=(1, 1))
    lied = [
        LabelledVideo(v.video, v.source, other, v.tracks, [other])
        if v.source == "a" and (other := {"real": "fake", "fake": "real"}[v.label]) else v
        for v in videos
    ]  # fmt: skip
    truth, lie = (predict_left_out(some, prior(), USABLE) for some in (videos, lied))
    assert truth[:2] == pytest.approx(lie[:2])
    assert truth[2:] != pytest.approx(lie[2:])


def test_a_video_without_a_face_is_no_own_video():
    videos = [*make_videos(), LabelledVideo("empty", "e", "", [], [])]
    assert np.isnan(predict_left_out(videos, prior(), USABLE)[-1])
    assert fit(videos).adaptation.videos == 6


def test_with_twenty_own_videos_they_calibrate_alone():
    scores = dict.fromkeys("abcdefghij", OWN["a"])
    assert fit(make_videos(scores)).adaptation is None
    del scores["j"]
    assert fit(make_videos(scores)).adaptation is not None


def test_without_an_own_face_there_is_nothing_to_answer_by():
    assert "nothing can be calibrated" in fit([know("real", "a", 0.2, side_px=5)]).problem


def test_each_group_of_quality_has_its_own_prior_and_one_without_is_calibrated_alone():
    clear = RELEASED.model_copy(update={"max_real_probability": 0.3})
    released = RELEASED.model_copy(update={"groups": {"clear": clear}})
    videos = make_videos() + make_videos({"d": (0.1, 0.1)}, side_px=SMALL)
    calibration = fit(videos, released, as_released=videos)
    own = calibration.groups["clear"]
    assert own.max_real_probability == pytest.approx(correct(0.3, own))
    assert (own.fitted.videos, own.adaptation.videos) == (6, 8)
    small = calibration.groups["small"]
    assert small.adaptation is None
    assert decide_video([see(0.01, SMALL)], calibration).answer == "cannot tell"


def test_a_released_group_without_answers_gets_none():
    mute = RELEASED.model_copy(update={"min_fake_probability": 1.0, "max_real_probability": 0.0})
    assert fit(make_videos(), mute).min_fake_probability == 1.0


def test_the_reason_says_who_calibrated_and_on_how_little_it_was_checked():
    calibration = fit(make_videos())
    said = "; calibrated as the released detector 0.2 and checked on only 6 own validation videos"
    decision = decide_video([see(0.99)], calibration)
    assert decision.answer == "likely fake"
    assert decision.reason.endswith(f"{said}, 6 of this quality")


def test_the_correction_comes_back_from_the_file_and_bears_another_rate(tmp_path):
    calibration = fit(make_videos())
    path = tmp_path / "calibration.json"
    path.write_text(calibration.model_dump_json())
    assert load_calibration(path) == calibration
    bolder = set_false_positive_rate(calibration, 0.3)
    assert 0.6 <= bolder.min_fake_probability < calibration.min_fake_probability


def test_features_of_several_statistics_are_corrected_as_one_number():
    model = Model(weights=[1.0, 0.5, 0.0, 0.2, 0.0], covariance=np.zeros((5, 5)).tolist())
    released = RELEASED.model_copy(update={"rule": "logistic", "model": model})
    calibration = fit(make_videos(move=(0.7, 0.7)), released)
    assert calibration.adaptation.shift == pytest.approx(0.7 * 1.5, abs=0.2)  # and the votes
    assert 0 < decide_video([see(0.2)], calibration).probability < 0.5
