"""Faces on pictures: colours, and nothing outside of the picture."""

import numpy as np
import pandas as pd

from deepfake_detector.plots.face_boxes import COLORS, UNDECIDED, draw_faces

GRAY = np.full((200, 300, 3), 128, np.uint8)
FACES = ["left", "top", "right", "bottom", "real", "fake"]
TRUTH = ["left", "top", "right", "bottom", "label"]


def test_fake_is_red_real_is_blue_truth_is_green():
    faces = pd.DataFrame(
        [(20, 60, 80, 120, 0.1, 0.8), (180, 60, 240, 120, 0.7, 0.2)], columns=FACES
    )
    truth = pd.DataFrame([(100, 60, 160, 120, "fake")], columns=TRUTH)
    picture = draw_faces(GRAY, faces, truth)
    assert tuple(picture[90, 20]) == COLORS["fake"]
    assert tuple(picture[90, 180]) == COLORS["real"]
    assert tuple(picture[90, 100]) == COLORS["truth"]
    assert COLORS["fake"][0] > 200 > COLORS["fake"][2]
    assert COLORS["real"][2] > 200 > COLORS["real"][0]


def test_a_face_with_an_undecided_label_is_gray():
    faces = pd.DataFrame([(20, 60, 80, 120, 0.49, 0.48)], columns=FACES)
    picture = draw_faces(np.zeros_like(GRAY), faces.assign(label="undecided"))
    assert tuple(picture[90, 20]) == UNDECIDED


def test_the_picture_that_was_given_stays_as_it_is():
    before = GRAY.copy()
    draw_faces(GRAY, pd.DataFrame([(20, 60, 80, 120, 0.1, 0.8)], columns=FACES))
    assert np.array_equal(GRAY, before)


def test_nothing_found_draws_nothing():
    empty = pd.DataFrame([(np.nan,) * 4 + ("",)], columns=TRUTH)
    assert np.array_equal(draw_faces(GRAY, pd.DataFrame(columns=FACES), empty), GRAY)


def test_boxes_at_the_edges_are_drawn_with_their_tags():
    faces = pd.DataFrame([(0, 0, 300, 200, 0.1, 0.8), (-9, 150, 9, 250, 0.9, 0.0)], columns=FACES)
    picture = draw_faces(GRAY, faces)
    assert picture.shape == GRAY.shape
    tag = np.all(picture == COLORS["fake"], axis=2)
    assert tag[3:12, 3:60].mean() > 0.25  # inside, there is no room above; letters are white


def test_tags_do_not_cover_each_other():
    one = pd.DataFrame([(100, 80, 200, 180, 0.1, 0.8)], columns=FACES)
    two = pd.DataFrame(
        [(100, 80, 200, 180, 0.1, 0.8), (100, 82, 200, 182, 0.7, 0.1)], columns=FACES
    )
    white = [np.count_nonzero(np.all(draw_faces(GRAY, f) > 240, axis=2)) for f in (one, two)]
    assert white[1] > 1.7 * white[0]


def test_a_view_of_an_image_can_be_drawn_on():
    flipped = GRAY[:, ::-1]
    assert draw_faces(flipped, pd.DataFrame(columns=FACES)).flags["C_CONTIGUOUS"]
