import numpy as np
import pytest

from deepfake_detector.forging.expression_warp import (
    LOWER_LIP,
    sample_moves,
    spread_moves,
    warp_expression,
)
from deepfake_detector.forging.landmark_masks import OVAL


def make_landmarks(side_px=200):
    """Points all over a face in the middle half of a picture, its outline an ellipse."""
    generator = np.random.default_rng(0)
    landmarks = generator.uniform(0.35, 0.65, (468, 2)) * side_px
    angles = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    outline = np.stack([np.sin(angles), -np.cos(angles)], axis=1)
    landmarks[list(OVAL)] = side_px * (0.5 + 0.25 * outline)
    return landmarks


def make_picture(side_px=200):
    return np.random.default_rng(1).integers(0, 255, (side_px, side_px, 3)).astype(np.uint8)


def test_the_mouth_is_always_moved_and_nothing_outside_the_face():
    landmarks = make_landmarks()
    for seed in range(5):
        moves = sample_moves(landmarks, np.random.default_rng(seed))
        assert np.abs(moves[LOWER_LIP]).max() > 1
        field = spread_moves(landmarks, moves, (200, 200), 7.0)
        assert field.shape == (200, 200, 2)
        assert np.abs(field[:15]).max() < 0.05
        assert np.abs(field[:, :15]).max() < 0.05
        assert 0.5 < np.abs(field).max() < 40


def test_a_move_reaches_its_landmark_and_fades():
    landmarks = np.tile([100.0, 100.0], (468, 1))
    field = spread_moves(landmarks, {(5,): np.array([[6.0, -3.0]])}, (200, 200), 8.0)
    # all landmarks lie there, so the still ones hold the moved one back
    total = field[100, 100]
    assert total[0] > 0 > total[1]
    assert np.abs(field[100, 160]).max() < 0.01


def test_the_picture_changes_inside_the_face_alone():
    picture = make_picture()
    warped = warp_expression(picture, make_landmarks(), np.random.default_rng(3))
    assert warped.shape == picture.shape
    assert warped.dtype == np.uint8
    changed = (warped != picture).any(axis=-1)
    assert changed[60:140, 60:140].mean() > 0.05
    assert not changed[:10].any()
    assert not changed[:, :10].any()


@pytest.mark.parametrize("side_px", [16, 61])
def test_small_and_odd_pictures_keep_their_size(side_px):
    picture = make_picture(side_px)
    warped = warp_expression(picture, make_landmarks(side_px), np.random.default_rng(0))
    assert warped.shape == picture.shape


def test_the_same_draw_gives_the_same_picture():
    warped = [
        warp_expression(make_picture(), make_landmarks(), np.random.default_rng(9))
        for _ in range(2)
    ]
    assert np.array_equal(*warped)
