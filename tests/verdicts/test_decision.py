import numpy as np
import pytest

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.calibration import Calibration, Fitted, Model
from deepfake_detector.verdicts.decision import (
    FaceTrack,
    combine_probabilities,
    decide_track,
    decide_video,
)

CALIBRATION = Calibration(
    detector_sha256="1" * 64,
    classifier_sha256=None,
    rule="mean",
    fit="identity",
    usable=UsableParams(min_face_px=30, min_face_score=0.5, min_sharpness=10.0, min_frames=3),
    model=Model(  # the mean itself
        weights=[1.0, 0.0], covariance=[[0.0, 0.0], [0.0, 0.0]]
    ),
    min_fake_probability=0.7,
    max_real_probability=0.4,
    thresholds_note="",
    fitted=Fitted(videos=4, sources=2, tracks_real=2, tracks_fake=2, log_loss={}),
)


def see(*fake, track=1, side_px=50, location=1.0, sharpness=100.0):
    """A face of a square box, seen in as many frames as fake shares are given."""
    fake, count = np.array(fake, float), len(fake)
    box_px = [0, 0, side_px, side_px]
    return FaceTrack(
        track,
        np.arange(count) * 5,
        np.tile(box_px, (count, 1)),
        location * (1 - fake),
        location * fake,
        np.full(count, sharpness),
    )


@pytest.mark.parametrize(
    ("fake_score", "answer", "bound"),
    [
        (0.9, "likely fake", "0.70 or more"),
        (0.2, "likely real", "0.40 or less"),
        (0.5, "cannot tell", "between 0.40 and 0.70"),
    ],
)
def test_the_mean_share_decides_on_a_face(fake_score, answer, bound):
    decision = decide_track(see(fake_score, fake_score, fake_score), CALIBRATION)
    assert decision.answer == answer
    assert decision.probability == pytest.approx(fake_score)
    assert decision.threshold == 0.7
    assert (
        decision.reason == f"probability of fake {fake_score:.2f}, {bound}; seen well in 3 frames"
    )


@pytest.mark.parametrize(
    ("face", "wrong"),
    [
        (see(0.9, 0.9), ""),
        (see(0.9, 0.9, 0.9, side_px=20), ", too small in 3"),
        (see(0.9, 0.9, 0.9, sharpness=5.0), ", too blurred in 3"),
        (see(0.9, 0.9, 0.9, location=0.4), ", hardly a face in 3"),
    ],
)
def test_a_face_that_is_hardly_seen_is_not_judged(face, wrong):
    decision = decide_track(face, CALIBRATION)
    assert (decision.answer, decision.probability) == ("cannot tell", None)
    frames = 0 if wrong else 2
    assert decision.reason == f"seen well in {frames} frames, 3 needed{wrong}"


def test_frames_that_cannot_be_used_do_not_count():
    face = see(0.1, 0.9, 0.9, 0.9)
    face.sharpness[0] = 1
    assert decide_track(face, CALIBRATION).probability == pytest.approx(0.9)


def test_a_video_without_a_face_cannot_be_judged():
    decision = decide_video([], CALIBRATION)
    assert (decision.answer, decision.probability) == ("cannot tell", None)
    assert decision.reason == "no face was found"


def test_a_video_of_faces_hardly_seen_says_so():
    decision = decide_video([see(0.9), see(0.9, 0.9, track=2)], CALIBRATION)
    assert (decision.answer, decision.probability) == ("cannot tell", None)
    assert decision.reason == (
        "none of 2 faces can be judged; the one seen longest: seen well in 2 frames, 3 needed"
    )


def test_a_video_of_one_face_is_judged_as_the_face():
    face = see(0.9, 0.8, 0.7)
    assert decide_video([face], CALIBRATION).probability == pytest.approx(
        decide_track(face, CALIBRATION).probability
    )


def test_one_fake_face_among_two_makes_the_video_fake():
    """Odds 9 and 1/9, seen equally long: (9 + 1/9) / 2 = 4.556, probability 0.82."""
    decision = decide_video([see(*[0.9] * 3), see(*[0.1] * 3, track=2)], CALIBRATION)
    assert decision.answer == "likely fake"
    assert decision.probability == pytest.approx(4.5556 / 5.5556, abs=1e-4)


def test_one_odd_face_among_many_is_named_but_condemns_no_video():
    """Odds 3 once and 1/4 nine times: 0.525, probability 0.344."""
    faces = [see(*[0.2] * 3, track=number) for number in range(2, 11)]
    decision = decide_video([see(*[0.75] * 3), *faces], CALIBRATION)
    assert decision.probability == pytest.approx(0.3443, abs=1e-4)
    assert decision.answer == "cannot tell"
    assert "face 1 alone is likely fake (0.75)" in decision.reason
    assert "one of 10 faces" in decision.reason


def test_a_face_cut_into_pieces_counts_as_one():
    whole = decide_video([see(*[0.9] * 6), see(*[0.1] * 6, track=2)], CALIBRATION)
    pieces = [see(*[0.9] * 3), see(*[0.9] * 3, track=3), see(*[0.1] * 6, track=2)]
    assert decide_video(pieces, CALIBRATION).probability == pytest.approx(whole.probability)


def test_faces_not_seen_well_are_counted_in_the_reason():
    decision = decide_video([see(0.1, 0.1, 0.1), see(0.9, track=2)], CALIBRATION)
    assert decision.answer == "likely real"
    assert decision.reason.endswith("1 face judged, 1 not seen well enough")


def test_a_calibration_with_a_problem_judges_nothing():
    problem = "the validation videos hold no fake face"
    broken = CALIBRATION.model_copy(update={"problem": problem})
    for decision in (decide_track(see(0.9), broken), decide_video([see(0.9)], broken)):
        assert (decision.answer, decision.probability) == ("cannot tell", None)
        assert decision.reason == problem


def test_mean_odds_are_weighed():
    """Odds 3 and 1, the first seen three times as long: 2.5, probability 5/7."""
    assert combine_probabilities([0.75, 0.5], [3, 1]) == pytest.approx(5 / 7)


def test_the_decisions_on_faces_come_with_that_on_the_video():
    fake, few = see(*[0.9] * 3), see(0.1, track=2)
    verdict = decide_video([fake, few], CALIBRATION)
    assert verdict.tracks == {
        1: decide_track(fake, CALIBRATION),
        2: decide_track(few, CALIBRATION),
    }
    assert decide_video([], CALIBRATION).tracks == {}


def test_a_video_with_a_part_that_looks_fake_is_not_likely_real():
    face = see(*[0.1] * 40, *[0.95] * 5)
    counted = CALIBRATION.model_copy(update={"min_segment_probability": 0.9})
    assert decide_video([face], CALIBRATION).answer == "likely real"  # windows were not counted
    decision = decide_video([face], counted)
    assert decision.answer == "cannot tell"
    assert decision.reason == (
        "the video as a whole looks real (0.19), but a part of face 1 by itself is likely fake "
        "(0.95)"
    )
    assert decide_video([see(*[0.1] * 45)], counted).answer == "likely real"
