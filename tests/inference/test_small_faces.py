"""Small faces: when tiles are looked at, and which faces are kept of what they show."""

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.inference import small_faces
from deepfake_detector.inference.detector import FACE_COLUMNS, MAX_SKIPPED_FRAMES
from deepfake_detector.inference.small_faces import (
    MAX_MISSES,
    SEARCH_SECONDS,
    SmallFaceSearch,
)
from deepfake_detector.inference.tiles import choose_tiles
from deepfake_detector.video.frame_reader import Frame

SIZE_PX = (1920, 1080)
TILES = sum(len(choose_tiles(*SIZE_PX, level)) for level in (0, 1))
FACE = (900, 500, 940, 540)
NONE_SHOWN = np.zeros((0, 4))
LARGE = np.array([[100.0, 300, 500, 700]])


class Eye:
    """Stands for `find_boxes`: sees white squares that fill a twelfth of a cut or more."""

    def __init__(self):
        self.looks, self.fake = 0, 0.7

    def __call__(self, detector, cuts):
        self.looks += len(cuts)
        rows = []
        for number, cut in enumerate(cuts):
            places = np.argwhere(cut[..., 0] > 128)
            if len(places):
                top, left = places.min(axis=0)
                bottom, right = places.max(axis=0) + 1
                if right - left >= cut.shape[1] / 12:
                    rows.append((number, left, top, right, bottom, 0.2, self.fake))
        table = pd.DataFrame(rows, columns=["image", *FACE_COLUMNS]).astype(float)
        return table.astype({"image": int})


@pytest.fixture
def eye(monkeypatch):
    made = Eye()
    monkeypatch.setattr(small_faces, "find_boxes", made)
    return made


def make_frame(seconds=0.0, box=FACE):
    image = np.zeros((*SIZE_PX[::-1], 3), np.uint8)
    if box is not None:
        left, top, right, bottom = box
        image[top:bottom, left:right] = 255
    return Frame(round(seconds * 30), seconds, image)


def find(search, *frames, shown=NONE_SHOWN):
    return search.find(list(frames), [shown] * len(frames))


def test_a_small_face_is_found_and_then_followed_with_one_look(eye):
    search = SmallFaceSearch(None, 0.5)
    first = find(search, make_frame(0.0))[0]
    np.testing.assert_allclose(first, [[*FACE, 0.2, 0.7]])
    looks = eye.looks
    moved = find(search, make_frame(0.1, (910, 505, 950, 545)))[0]
    np.testing.assert_allclose(moved[:, :4], [[910, 505, 950, 545]])
    assert eye.looks == looks + 1


def test_one_frame_in_three_is_looked_at_where_a_face_hardly_moves(eye):
    search = SmallFaceSearch(None, 0.5)
    find(search, make_frame(0.0))
    looks = eye.looks
    lefts = (903, 906, 909, 912, 915, 918)
    frames = [make_frame(0.1 * (n + 1), (x, 500, x + 40, 540)) for n, x in enumerate(lefts)]
    found = find(search, *frames)
    assert eye.looks == looks + 2
    np.testing.assert_allclose([rows[0, 0] for rows in found], lefts)


def test_the_frames_between_are_looked_at_where_a_face_moves_or_comes(eye):
    search = SmallFaceSearch(None, 0.5)
    boxes = [None, (900, 500, 940, 540), (925, 500, 965, 540)]
    found = find(search, *[make_frame(0.1 * n, box) for n, box in enumerate(boxes)])
    assert [len(rows) for rows in found] == [0, 1, 1]
    assert found[1][0, 0] == 900
    boxes = [(left, 500, left + 40, 540) for left in (960, 990, 955)]
    found = find(search, *[make_frame(0.3 + 0.1 * n, box) for n, box in enumerate(boxes)])
    assert [rows[0, 0] for rows in found] == [960, 990, 955]


def test_frames_far_apart_are_each_looked_at(eye):
    search = SmallFaceSearch(None, 0.5)
    apart = (MAX_SKIPPED_FRAMES + 1) / 30
    find(search, make_frame(0.0))
    looks = eye.looks
    find(search, *[make_frame(apart * n) for n in (1, 2, 3)])
    assert eye.looks == looks + 3


def test_a_face_that_scores_less_is_none(eye):
    assert find(SmallFaceSearch(None, 0.95), make_frame())[0].shape == (0, 6)


def test_no_frames_have_no_faces(eye):
    assert SmallFaceSearch(None, 0.5).find([], []) == []


def test_what_fills_a_tile_is_no_small_face(eye):
    square, wall = make_frame(box=(660, 100, 860, 300)), make_frame(box=(640, 0, 1280, 640))
    assert len(find(SmallFaceSearch(None, 0.5), square)[0]) == 1
    assert not len(find(SmallFaceSearch(None, 0.5), wall)[0])


def find_searches(eye, shown=NONE_SHOWN, seconds=70):
    search, searched = SmallFaceSearch(None, 0.5), []
    for second in range(seconds):
        before = eye.looks
        assert not len(find(search, make_frame(float(second), None), shown=shown)[0])
        if eye.looks > before:
            assert eye.looks == before + TILES
            searched.append(second)
    return searched


def test_searches_that_find_nothing_grow_rare(eye):
    gaps = np.diff(find_searches(eye)).tolist()
    assert gaps[:2] == [4, 8]
    assert set(gaps[2:]) == {SEARCH_SECONDS[1]}


def test_beside_a_large_face_searches_are_rare_from_the_beginning(eye):
    assert find_searches(eye, LARGE) == [0, 16, 32, 48, 64]


def test_beside_a_large_face_a_small_frame_is_not_searched(eye):
    frame = Frame(0, 0.0, make_frame().image[:720, :1200])
    find(SmallFaceSearch(None, 0.5), frame, shown=LARGE)
    assert eye.looks == 0
    assert len(find(SmallFaceSearch(None, 0.5), frame)[0]) == 1


def test_beside_a_large_face_a_small_one_counts_when_it_is_seen_again(eye):
    search = SmallFaceSearch(None, 0.5)
    assert not len(find(search, make_frame(0.0), shown=LARGE)[0])
    assert find(search, make_frame(0.1), shown=LARGE)[0][:, :4].tolist() == [[*FACE]]
    search = SmallFaceSearch(None, 0.5)
    find(search, make_frame(0.0), shown=LARGE)
    assert not len(find(search, make_frame(0.1, None), shown=LARGE)[0])


def test_a_part_of_a_large_face_is_no_small_one(eye):
    search = SmallFaceSearch(None, 0.5)
    around = np.array([[880.0, 400, 1280, 800]])
    frames = [make_frame(0.1 * n) for n in range(3)]
    assert [len(rows) for rows in find(search, *frames, shown=around)] == [0, 0, 0]
    assert [len(rows) for rows in find(SmallFaceSearch(None, 0.5), *frames)] == [1, 1, 1]


def test_a_face_that_is_hidden_for_a_moment_is_still_known(eye):
    search = SmallFaceSearch(None, 0.5)
    find(search, make_frame(0.0))
    for place in range(1, MAX_MISSES + 1):
        assert not len(find(search, make_frame(place / 10, None))[0])
    assert len(find(search, make_frame(0.9))[0])
    for place in range(MAX_MISSES + 1):
        find(search, make_frame(1 + place / 10, None))
    before = eye.looks
    assert not len(find(search, make_frame(1.9))[0])  # forgotten, and no search is due
    assert eye.looks == before
    assert len(find(search, make_frame(SEARCH_SECONDS[0]))[0])


def test_one_of_two_faces_that_is_hidden_for_a_moment_is_still_known(eye):
    search = SmallFaceSearch(None, 0.5)
    both, other = make_frame(0.0), (200, 200, 240, 240)
    both.image[200:240, 200:240] = 255
    assert len(find(search, both)[0]) == 2
    assert find(search, make_frame(0.1, other))[0][:, :4].tolist() == [[*other]]
    assert find(search, make_frame(0.2))[0][:, :4].tolist() == [[*FACE]]
