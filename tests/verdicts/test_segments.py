import numpy as np
import pytest

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.calibration import Calibration, Fitted, Model
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.segments import find_segments, slide_window

CALIBRATION = Calibration(
    detector_sha256="1" * 64,
    classifier_sha256=None,
    rule="mean",
    fit="identity",
    usable=UsableParams(min_face_px=30, min_face_score=0.5, min_sharpness=10.0, min_frames=3),
    model=Model(weights=[1.0, 0.0], covariance=[[0.0, 0.0], [0.0, 0.0]]),
    min_fake_probability=0.7,
    max_real_probability=0.4,
    thresholds_note="",
    fitted=Fitted(videos=4, sources=2, tracks_real=2, tracks_fake=2, log_loss={}),
)


def see(fake_scores, side_px=100):
    fake, n = np.array(fake_scores, float), len(fake_scores)
    boxes = np.tile([0, 0, side_px, side_px], (n, 1))
    return FaceTrack(3, np.arange(n) * 5, boxes, 1 - fake, fake, np.full(n, 500.0))


def find(fake_scores, fps=5, **options):
    return find_segments(
        see(fake_scores, **options), np.arange(len(fake_scores)) / fps, CALIBRATION
    )


def test_a_forged_part_is_placed_in_time():
    (segment,) = find([0.1] * 50 + [0.95] * 20 + [0.1] * 50)
    assert segment.track == 3
    assert segment.start_seconds == pytest.approx(10, abs=0.5)
    assert segment.end_seconds == pytest.approx(13.8, abs=0.5)
    assert segment.probability > 0.9


def test_a_face_that_is_fake_throughout_is_one_segment():
    (segment,) = find([0.9] * 30)
    assert (segment.start_seconds, segment.end_seconds) == (0, 5.8)


def test_a_real_face_has_no_segment():
    assert find([0.1] * 30) == []


def test_a_single_odd_frame_is_no_segment():
    assert find([0.1] * 20 + [0.99] + [0.1] * 20) == []


def test_two_parts_far_apart_are_two_segments():
    assert len(find([0.95] * 15 + [0.1] * 30 + [0.95] * 15)) == 2


def test_a_face_that_is_never_used_has_no_segment():
    assert find([0.95] * 30, side_px=10) == []


def test_where_nothing_can_be_called_fake_there_is_no_segment():
    mute = CALIBRATION.model_copy(update={"min_fake_probability": 1.0})
    assert find_segments(see([0.99] * 30), np.arange(30) / 5, mute) == []


def test_windows_are_likely_fake_from_their_own_threshold_on():
    scores = [0.1] * 20 + [0.8] * 20
    strict = CALIBRATION.model_copy(update={"min_segment_probability": 0.9})
    seconds = np.arange(40) / 5
    assert len(find_segments(see(scores), seconds, CALIBRATION)) == 1
    assert find_segments(see(scores), seconds, strict) == []


def test_every_window_has_the_same_number_of_frames_also_at_the_ends():
    windows = slide_window(np.array([1.0, 0, 0, 0, 0, 0, 1.0]), CALIBRATION)
    assert windows == pytest.approx([0.2, 0.2, 0.2, 0.001, 0.2, 0.2, 0.2], abs=1e-3)


def test_a_track_shorter_than_a_window_is_one():
    assert slide_window(np.array([0.2, 0.4]), CALIBRATION) == pytest.approx([0.3, 0.3])
