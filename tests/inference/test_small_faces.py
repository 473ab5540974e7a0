"""Small faces: where tiles lie, what is kept of what they show, and when they are looked at."""

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.inference import small_faces
from deepfake_detector.inference.detector import FACE_COLUMNS
from deepfake_detector.inference.small_faces import (
    MAX_MISSES,
    SEARCH_SECONDS,
    SmallFaceSearch,
    choose_tiles,
    is_cut,
    merge_boxes,
)
from deepfake_detector.video.frame_reader import Frame

SIZE_PX = (1920, 1080)


class Eye:
    """Stands for `find_boxes`: sees white squares that fill a twelfth of a cut or more."""

    def __init__(self):
        self.looks = 0

    def __call__(self, detector, cuts):
        self.looks += len(cuts)
        rows = []
        for number, cut in enumerate(cuts):
            places = np.argwhere(cut[..., 0] > 128)
            if len(places):
                top, left = places.min(axis=0)
                bottom, right = places.max(axis=0) + 1
                if right - left >= cut.shape[1] / 12:
                    rows.append((number, left, top, right, bottom, 0.2, 0.7))
        table = pd.DataFrame(rows, columns=["image", *FACE_COLUMNS]).astype(float)
        return table.astype({"image": int})


@pytest.fixture
def eye(monkeypatch):
    made = Eye()
    monkeypatch.setattr(small_faces, "find_boxes", made)
    return made


def make_frame(seconds=0.0, box=(900, 500, 940, 540)):
    image = np.zeros((*SIZE_PX[::-1], 3), np.uint8)
    if box is not None:
        left, top, right, bottom = box
        image[top:bottom, left:right] = 255
    return Frame(round(seconds * 10), seconds, image)


@pytest.mark.parametrize(
    "size_px", [(1920, 1080), (1280, 720), (3840, 2160), (1080, 1920), (3840, 1080)]
)
@pytest.mark.parametrize("level", [0, 1])
def test_tiles_cover_a_frame_and_overlap_by_a_quarter(size_px, level):
    tiles = choose_tiles(*size_px, level)
    side = tiles[0, 2]
    assert tiles.min() >= 0
    assert (tiles[:, 2:] <= size_px).all()
    for axis in (0, 1):
        starts = np.unique(tiles[:, axis])
        assert np.diff(starts).max(initial=0) <= 0.75 * side + 1
        assert (starts[0], tiles[:, 2 + axis].max()) == (0, size_px[axis])


def test_a_search_takes_as_many_tiles_in_a_larger_frame():
    for level in (0, 1):
        assert len(choose_tiles(3840, 2160, level)) == len(choose_tiles(1920, 1080, level))


def test_a_small_frame_has_no_tiles():
    assert choose_tiles(640, 360, 0).shape == (0, 4)
    assert choose_tiles(240, 200, 1).shape == (0, 4)


def test_a_face_at_the_edge_of_a_tile_is_cut_but_not_at_that_of_the_frame():
    boxes = np.array([[100.0, 0, 140, 40], [600, 10, 640, 50], [300, 300, 340, 340]])
    tiles = np.tile([0, 0, 640, 640], (3, 1))
    assert is_cut(boxes, tiles, SIZE_PX).tolist() == [False, True, False]


def test_a_face_that_several_tiles_show_is_kept_once():
    boxes = np.array([[0.0, 0, 40, 40], [2, 2, 42, 42], [10, 10, 25, 25], [200, 0, 240, 40]])
    assert merge_boxes(boxes, np.array([0.6, 0.95, 0.9, 0.7])).tolist() == [1, 3]
    assert merge_boxes(np.zeros((0, 4)), np.zeros(0)).tolist() == []


def test_a_small_face_is_found_and_then_followed_with_one_look(eye):
    search = SmallFaceSearch(None, 0.5)
    first = search.find(make_frame(0.0))
    np.testing.assert_allclose(first, [[900, 500, 940, 540, 0.2, 0.7]])
    looks = eye.looks
    moved = search.find(make_frame(0.1, (910, 505, 950, 545)))
    np.testing.assert_allclose(moved[:, :4], [[910, 505, 950, 545]])
    assert eye.looks == looks + 1


def test_a_face_that_scores_less_is_none(eye):
    assert SmallFaceSearch(None, 0.95).find(make_frame()).shape == (0, 6)


def test_what_fills_a_tile_is_no_small_face(eye):
    assert len(SmallFaceSearch(None, 0.5).find(make_frame(box=(660, 100, 860, 300))))
    assert not len(SmallFaceSearch(None, 0.5).find(make_frame(box=(640, 0, 1280, 640))))


def test_searches_that_find_nothing_grow_rare(eye):
    search = SmallFaceSearch(None, 0.5)
    searched = []
    for second in range(70):
        before = eye.looks
        assert not len(search.find(make_frame(float(second), None)))
        if eye.looks > before:
            searched.append(second)
    gaps = np.diff(searched).tolist()
    assert gaps[:3] == [4, 8, 16]
    assert set(gaps[3:]) == {SEARCH_SECONDS[1]}


def test_a_face_that_is_hidden_for_a_moment_is_still_known(eye):
    search = SmallFaceSearch(None, 0.5)
    search.find(make_frame(0.0))
    for place in range(1, MAX_MISSES + 1):
        assert not len(search.find(make_frame(place / 10, None)))
    assert len(search.find(make_frame(0.9)))
    for place in range(MAX_MISSES + 1):
        search.find(make_frame(1 + place / 10, None))
    before = eye.looks
    assert not len(search.find(make_frame(1.9)))  # forgotten, and no search is due
    assert eye.looks == before
