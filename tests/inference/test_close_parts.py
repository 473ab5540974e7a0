"""A long video: all of it coarsely, and parts that stand out closely."""

import numpy as np
import pytest

from builders import make_calibration, make_model
from clips import SeesColors, make_frame, write_clip
from deepfake_detector.inference.close_parts import choose_close_parts, list_parts
from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.reports.verdict_json import segments_to_json
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.video.sampling import Sampling

SIZE_PX, FACE_PX = (64, 48), (16, 8, 44, 36)
STRIDE = 10


def see(fake_scores, sharpness=500.0):
    """A face in every 10th frame."""
    fake, count = np.array(fake_scores, float), len(fake_scores)
    boxes = np.tile([0, 0, 100, 100], (count, 1))
    frames = np.arange(count) * STRIDE
    return FaceTrack(1, frames, boxes, 1 - fake, fake, np.broadcast_to(sharpness, count))


def choose(track):
    seconds = {number: number / 10 for number in track.frames.tolist()}
    return choose_close_parts([track], make_calibration(), STRIDE, seconds)


def test_where_a_part_begins_and_ends_comes_first():
    scores = [0.1] * 30 + [0.95] * 8 + [0.1] * 30
    assert choose(see(scores))[:2] == [(300 - 30, 300 + 30), (370 - 30, 370 + 30)]


def test_a_single_frame_that_looks_fake_is_looked_at():
    assert choose(see([0.1] * 30 + [0.9] + [0.1] * 30)) == [(270, 330)]


def test_a_face_that_is_fake_throughout_needs_no_closer_look_within():
    assert choose(see([0.9] * 60)) == [(0, 30), (560, 620)]


def test_a_change_of_quality_is_looked_at():
    assert choose(see([0.1] * 40, np.repeat([500.0, 200.0], 20))) == [(170, 230)]
    assert choose(see([0.1] * 40, np.repeat([500.0, 400.0], 20))) == []


def test_a_face_that_is_never_used_calls_for_nothing():
    assert choose(see([0.9] * 9, sharpness=-1.0)) == []


def test_added_frames_are_told_as_parts():
    seconds = {number: number / 10 for number in range(200)}
    assert list_parts({50, 51, 53, 120}, 10, seconds) == ((5.0, 5.3), (12.0, 12.0))
    assert list_parts(set(), 10, seconds) == ()


@pytest.fixture(scope="module")
def ten_minutes(tmp_path_factory):
    """Ten minutes at 10 frames a second, the face forged from 7:03.3 to 7:07.3."""
    path = tmp_path_factory.mktemp("long") / "a.mp4"
    faces = {label: make_frame([(label, FACE_PX)], size_px=SIZE_PX) for label in ("real", "fake")}
    return write_clip(path, (faces["fake" if 4233 <= n < 4273 else "real"] for n in range(6000)))


def test_four_forged_seconds_in_ten_minutes_are_placed_within_half_a_second(ten_minutes):
    """Though all of it is seen every two seconds only, four times as rarely as usual."""
    model = make_model(SeesColors(), min_segment_probability=0.6)
    analysis = DeepfakePredictor(model, Sampling(1, 300)).analyze(ten_minutes)
    (segment,) = segments_to_json(analysis, model.calibration)
    assert segment["from"] == pytest.approx(423.3, abs=0.5)
    assert segment["to"] == pytest.approx(427.2, abs=0.5)
    assert 300 < analysis.frames.analyzed <= 450
    (part,) = analysis.frames.closely
    assert part[0] < 423 < 427.5 < part[1]
    assert analysis.verdict.answer == "cannot tell"
    assert "a part of face 1 by itself is likely fake" in analysis.verdict.reason


def test_frames_that_are_looked_at_closely_do_not_weigh_in_the_verdict(ten_minutes):
    model = make_model(SeesColors())  # it has not counted windows, so that parts decide nothing
    coarse, close = (
        DeepfakePredictor(model, sampling).analyze(ten_minutes)
        for sampling in (Sampling(20, None), Sampling(1, 300))
    )
    assert close.frames.analyzed > coarse.frames.analyzed == 300
    assert close.verdict.probability == pytest.approx(coarse.verdict.probability)
    assert coarse.frames.closely == ()
    assert len(close.tracks) == len(close.verdict.tracks)
