import cv2
import numpy as np
import pytest

from deepfake_detector.forging.landmark_masks import (
    OVAL,
    PARTS,
    bend_edge,
    draw_landmark_mask,
    draw_part,
    measure_oval_width,
    soften_edge,
    vary_part,
)

SIZE = (100, 100)


def make_landmarks():
    """An oval of 40 x 60 px around (50, 50); all that is inside it lies near the middle."""
    points = np.full((468, 2), 50.0) + np.random.default_rng(0).uniform(-8, 8, (468, 2))
    angles = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    points[list(OVAL)] = 50 + np.stack([20 * np.sin(angles), -30 * np.cos(angles)], axis=1)
    return points


class Unchanging:
    """Draws the middle of every range."""

    def uniform(self, low, high, size=None):
        return np.full(size, (low + high) / 2) if size else (low + high) / 2


def test_the_width_of_a_face_is_that_of_its_oval():
    assert measure_oval_width(make_landmarks()) == pytest.approx(40)


def test_each_part_is_of_known_landmarks():
    for points in PARTS.values():
        assert len(set(points)) == len(points)
        assert max(points) < 468


def test_a_part_is_the_convex_hull_of_its_landmarks():
    corners = np.array([[10.0, 20], [30, 20], [30, 60], [10, 60], [20, 40]])
    mask = draw_part(corners, SIZE)
    expected = np.zeros(SIZE)
    expected[20:61, 10:31] = 1  # OpenCV fills the border, too
    assert np.array_equal(mask, expected)


def test_a_part_outside_of_the_picture_is_empty():
    assert not draw_part(np.array([[200.0, 200], [220, 200], [210, 220]]), SIZE).any()


def test_a_mouth_is_made_larger_about_its_middle():
    points = make_landmarks()
    lips = points[list(PARTS["mouth"])]
    varied = vary_part(points, "mouth", Unchanging())
    middle = lips.mean(axis=0)
    assert varied.mean(axis=0) == pytest.approx(middle)
    assert varied - middle == pytest.approx((lips - middle) * 0.99 * 1.55)


def test_an_edge_is_bent_by_no_more_than_its_reach():
    mask = np.zeros(SIZE, np.float32)
    mask[30:70, 30:70] = 1
    bent = bend_edge(mask, 5.0, 8.0, np.random.default_rng(1))
    assert not np.array_equal(bent, mask)
    assert bent[37:63, 37:63] == pytest.approx(1)  # further than the reach from the border
    assert not bent[:23].any()
    assert not bent[:, 78:].any()


def test_a_soft_edge_lies_inside_or_outside_of_the_border():
    hard = np.zeros((60, 60), np.float32)
    hard[20:40, 20:40] = 1
    inside, outside = (soften_edge(hard, 2.0, is_outside=side) for side in (False, True))
    assert not inside[hard == 0].any()
    assert outside[hard == 1] == pytest.approx(1, abs=0.55)  # corners fall off
    assert outside[30, 20] == pytest.approx(1)
    assert 0 < inside[30, 21] < 1
    assert 0 < outside[30, 18] < 1


def test_a_mask_lies_on_the_face_and_nowhere_else():
    landmarks = make_landmarks()
    oval = landmarks[list(OVAL)].astype(np.float32)
    shapes = set()
    for seed in range(40):
        mask = draw_landmark_mask(landmarks, SIZE, np.random.default_rng(seed))
        assert mask.shape == SIZE
        assert mask.dtype == np.float32
        assert 0 <= mask.min() <= mask.max() <= 1
        rows, columns = np.nonzero(mask > 0.5)
        near = [
            cv2.pointPolygonTest(oval, (float(x), float(y)), True)
            for x, y in zip(columns, rows, strict=True)
        ]
        assert min(near, default=0) > -9  # px beyond the oval: a tenth, the bend and half the blur
        shapes.add(int((mask > 0.5).sum()) // 200)
    assert len(shapes) > 3


def test_a_face_outside_of_the_picture_has_an_empty_mask():
    mask = draw_landmark_mask(make_landmarks() + 500, SIZE, np.random.default_rng(0))
    assert not mask.any()


def test_the_same_draw_gives_the_same_mask():
    first, second = (
        draw_landmark_mask(make_landmarks(), SIZE, np.random.default_rng(5)) for _ in range(2)
    )
    assert np.array_equal(first, second)
