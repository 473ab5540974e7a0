from dataclasses import replace

import numpy as np

from builders import USABLE
from deepfake_detector.reports.highlights import MOST, choose_highlights
from deepfake_detector.verdicts.face_track import FaceTrack


def see(fakes, side_px=50):
    fakes = np.array(fakes, float)
    boxes = np.tile([0.0, 0.0, side_px, side_px], (len(fakes), 1))
    frames = np.arange(len(fakes))
    return FaceTrack(1, frames, boxes, 1 - fakes, fakes, np.ones(len(fakes)))


def test_the_most_fake_come_first_and_the_most_real_in_the_other_strip():
    suspicious, ordinary = choose_highlights([see([0.3, 0.9, 0.1, 0.6])], USABLE)
    assert [highlight.frame for highlight in suspicious] == [1, 3]
    assert [highlight.frame for highlight in ordinary] == [2, 0]


def test_neighbouring_frames_are_not_picked_twice():
    suspicious, ordinary = choose_highlights([see(np.linspace(0, 1, 320))], USABLE)
    assert len(suspicious) == len(ordinary) == MOST
    assert [highlight.frame for highlight in suspicious][:3] == [
        319,
        310,
        301,
    ]  # 319 // 32 = 9 apart


def test_faces_that_do_not_count_are_not_picked():
    assert choose_highlights([see([0.9, 0.1], side_px=8)], USABLE) == ([], [])
    assert choose_highlights([], USABLE) == ([], [])


def test_a_score_that_stands_between_others_is_no_highlight():
    track = replace(see([0.3, 0.9, 0.1, 0.6]), classified=np.array([True, False, True, True]))
    suspicious, ordinary = choose_highlights([track], USABLE)
    assert [highlight.frame for highlight in [*suspicious, *ordinary]] == [3, 0, 2]
