"""Which crops of a face are classified, and what the frames between them score."""

import weakref

import numpy as np
import pytest

from builders import USABLE
from deepfake_detector.inference.crop_choice import (
    Candidate,
    CropChooser,
    fill_scores,
    thin_track,
    thin_videos,
)
from deepfake_detector.verdicts.face_track import FaceTrack, find_classified
from deepfake_detector.verdicts.labelled_videos import LabelledVideo
from deepfake_detector.video.sampling import CropLimits

REAL, FAKE = -3.0, 3.0


class Crop:
    """What can be counted while somebody holds it."""


def see(fake, sharpness=500.0, stride=3):
    """A face that was detected with certainty 0.9 in every third frame."""
    fake, count = np.array(fake, float), len(fake)
    boxes = np.tile([0, 0, 100, 100], (count, 1))
    sharp = np.broadcast_to(sharpness, count).astype(float)
    return FaceTrack(1, np.arange(count) * stride, boxes, 0.9 * (1 - fake), 0.9 * fake, sharp)


def choose(log_odds, spacing, usable=None, at_once=1000):
    """Let a track of these log-odds be classified; return the places, in the order it was done."""
    done, chooser = [], CropChooser(spacing)

    def classify(chosen):
        done.extend(candidate.key for candidate in chosen)
        return np.array([log_odds[candidate.crop] for candidate in chosen], float)

    for place in range(len(log_odds)):
        is_usable = usable is None or usable[place]
        chooser.add(1, Candidate(place, place, is_usable))
        if place % at_once == at_once - 1:
            chooser.choose(classify)
    chooser.choose(classify, is_end=True)
    return done


def test_the_middle_of_each_stratum_is_classified():
    assert choose([REAL] * 9, 3) == [1, 4, 7]
    assert choose([REAL] * 4, 2.5) == [1, 3]  # strata of three and of two, the last one open


def test_with_spacing_one_every_crop_is_classified():
    assert choose([REAL] * 4, 1) == [0, 1, 2, 3]


def test_a_crop_that_can_be_used_comes_before_the_middle_one():
    assert choose([REAL] * 6, 3, [True, False, False, False, False, False]) == [0, 4]


def test_a_track_that_ends_early_is_classified_once():
    assert choose([REAL], 15) == [0]


def test_where_neighbors_differ_the_crops_between_them_are_classified():
    assert choose([REAL] * 5 + [FAKE] * 4, 3) == [1, 4, 7, 5, 6]
    assert choose([-1.4] * 5 + [1.4] * 4, 3) == [1, 4, 7]  # 2.8 is no step


@pytest.mark.parametrize("at_once", [1, 2, 4, 5])
def test_what_is_classified_does_not_depend_on_how_frames_come(at_once):
    log_odds = [REAL] * 7 + [FAKE] * 9 + [REAL] * 4
    assert sorted(choose(log_odds, 4, at_once=at_once)) == sorted(choose(log_odds, 4))


def test_two_strata_of_crops_are_held_at_most():
    chooser, held, crops = CropChooser(5), [], weakref.WeakSet()
    for place in range(100):
        crops.add(crop := Crop())
        chooser.add(1, Candidate(place, crop, True))
        chooser.choose(lambda chosen: np.zeros(len(chosen)))
        held.append(len(crops))
    assert max(held) == 9  # five of a stratum that is done, four of the one that grows


def test_a_key_whose_score_is_known_is_not_classified_again():
    chooser = CropChooser(1)
    chooser.log_odds = {0: REAL}
    for place in range(2):
        chooser.add(1, Candidate(place, place, True))
    chooser.choose(lambda chosen: np.array([FAKE] * len(chosen)))
    assert chooser.log_odds == {0: REAL, 1: FAKE}


def test_frames_between_have_the_score_on_the_line_between_in_log_odds():
    known = np.array([True, False, False, True, False])
    filled = fill_scores(see([0.5, 0.0, 0.0, 0.8, 0.0]), known, USABLE)
    # log-odds 0 and ln 4: a third and two thirds of it between, then it stays
    assert filled.compute_fake_score() == pytest.approx(
        [0.5, 4 ** (1 / 3) / (1 + 4 ** (1 / 3)), 4 ** (2 / 3) / (1 + 4 ** (2 / 3)), 0.8, 0.8]
    )
    assert filled.real + filled.fake == pytest.approx(0.9)
    assert find_classified(filled, USABLE).tolist() == known.tolist()


def test_a_frame_that_is_used_takes_no_score_from_one_that_is_not():
    blurred = np.array([False, True, False])
    track = see([0.2, 0.9, 0.0], np.where(blurred, -1.0, 500.0))
    filled = fill_scores(track, np.array([True, True, False]), USABLE)
    assert filled.compute_fake_score() == pytest.approx([0.2, 0.9, 0.2])
    assert find_classified(filled, USABLE).tolist() == [True, False, False]


def test_a_face_that_was_never_classified_keeps_the_scores_of_the_ssd():
    filled = fill_scores(see([0.2, 0.9]), np.array([False, False]), USABLE)
    assert filled.compute_fake_score() == pytest.approx([0.2, 0.9])


def test_a_classified_track_is_thinned_as_if_fewer_crops_had_been_classified():
    thinned = thin_track(see([0.2] * 3 + [0.3] * 3), 3, USABLE)
    assert thinned.classified.tolist() == [False, True, False, False, True, False]
    scores = thinned.compute_fake_score()
    assert scores[[0, 1, 4, 5]] == pytest.approx([0.2, 0.2, 0.3, 0.3])
    assert 0.2 < scores[2] < scores[3] < 0.3
    assert thin_track(see([0.2, 0.9]), 1, USABLE).compute_fake_score() == pytest.approx([0.2, 0.9])


def test_a_split_is_thinned_as_predict_thins_a_video():
    track = see([0.5] * 12, stride=5)
    video = LabelledVideo("a", "a", "real", [track], ["real"])
    (thinned,) = thin_videos([video], {"a": 12}, 5, CropLimits(4, 0.5), USABLE)
    assert thinned.tracks[0].classified.sum() == 4  # every third of the twelve frames
    assert thinned.tracks[0].classified[1]
    assert (thinned.label, thinned.track_labels) == ("real", ["real"])
    (dense,) = thin_videos([video], {"a": 12}, 5, CropLimits(4, 1 / 3), USABLE)
    assert dense.tracks[0].classified.sum() == 6  # one in ten frames of the video
