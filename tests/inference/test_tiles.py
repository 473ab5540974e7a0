"""Tiles: where they lie, which faces share one, and which boxes are kept of what they show."""

import numpy as np
import pytest

from deepfake_detector.inference.tiles import (
    CLOSE_SIDE,
    OVERLAP,
    choose_tiles,
    is_cut,
    is_same_face,
    merge_boxes,
    surround_faces,
)

SIZE_PX = (1920, 1080)


@pytest.mark.parametrize(
    "size_px", [(1920, 1080), (1280, 720), (3840, 2160), (1080, 1920), (3840, 1080)]
)
@pytest.mark.parametrize("level", [0, 1])
def test_tiles_cover_a_frame_and_overlap(size_px, level):
    tiles = choose_tiles(*size_px, level)
    side = tiles[0, 2]
    assert tiles.min() >= 0
    assert (tiles[:, 2:] <= size_px).all()
    for axis in (0, 1):
        starts = np.unique(tiles[:, axis])
        assert np.diff(starts).max(initial=0) <= (1 - OVERLAP) * side + 1
        assert (starts[0], tiles[:, 2 + axis].max()) == (0, size_px[axis])


def test_a_search_takes_as_many_tiles_in_a_larger_frame():
    for level in (0, 1):
        assert len(choose_tiles(3840, 2160, level)) == len(choose_tiles(1920, 1080, level))


def test_a_small_frame_has_no_tiles():
    assert choose_tiles(640, 360, 0).shape == (0, 4)
    assert choose_tiles(240, 200, 1).shape == (0, 4)


def test_a_face_has_a_tile_around_it_that_lies_in_the_frame():
    side = 40 * CLOSE_SIDE
    middle = surround_faces(np.array([[900.0, 500, 940, 540]]), SIZE_PX)
    assert middle.tolist() == [
        [920 - side // 2, 520 - side // 2, 920 + side // 2, 520 + side // 2]
    ]
    corner = surround_faces(np.array([[0.0, 1040, 40, 1080]]), SIZE_PX)
    assert corner.tolist() == [[0, 1080 - side, side, 1080]]
    assert surround_faces(np.zeros((0, 4)), SIZE_PX).shape == (0, 4)


def test_a_box_without_an_area_has_no_tile():
    faces = np.array([[640.0, 480, 640, 480], [900.0, 500, 940, 540]])
    assert surround_faces(faces, SIZE_PX).tolist() == [[820, 420, 1020, 620]]
    assert surround_faces(faces[:1], SIZE_PX).shape == (0, 4)


def test_neighbors_share_a_tile_and_others_do_not():
    faces = np.array([[900.0, 500, 940, 540], [950, 500, 990, 540], [1300, 500, 1340, 540]])
    tiles = surround_faces(faces, SIZE_PX)
    assert len(tiles) == 2
    assert (tiles[0, :2] <= (900, 500)).all()
    assert (tiles[0, 2:] >= (990, 540)).all()


def test_a_large_face_does_not_share_the_tile_of_a_small_one():
    faces = np.array([[900.0, 500, 940, 540], [860, 440, 1000, 580]])
    assert len(surround_faces(faces, SIZE_PX)) == 2


def test_a_face_at_the_edge_of_a_tile_is_cut_but_not_at_that_of_the_frame():
    boxes = np.array([[100.0, 0, 140, 40], [600, 10, 640, 50], [300, 300, 340, 340]])
    tiles = np.tile([0, 0, 640, 640], (3, 1))
    assert is_cut(boxes, tiles, SIZE_PX).tolist() == [False, True, False]


def test_a_face_that_several_tiles_show_is_kept_once():
    boxes = np.array([[0.0, 0, 40, 40], [2, 2, 42, 42], [10, 10, 25, 25], [200, 0, 240, 40]])
    assert merge_boxes(boxes, np.array([0.6, 0.95, 0.9, 0.7])).tolist() == [1, 3]
    assert merge_boxes(np.zeros((0, 4)), np.zeros(0)).tolist() == []


def test_a_part_of_a_face_is_the_same_face():
    large, part, other = [0.0, 0, 100, 100], [60.0, 60, 110, 100], [90.0, 0, 130, 40]
    assert is_same_face(np.array(large), np.array([part, other])).tolist() == [True, False]
    assert is_same_face(np.array(large), np.zeros((0, 4))).shape == (0,)
