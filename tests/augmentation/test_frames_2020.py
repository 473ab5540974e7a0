import numpy as np
import pytest

from deepfake_detector.augmentation.frames_2020 import (
    MEAN_COLOR,
    augment_frame_2020,
    color_jitter,
    cut_patch,
    expand,
    move_to_patch,
    sample_patch,
)
from deepfake_detector.common.iou import compute_iou

FRAME = np.array([0, 0, 60, 40])
FACE_PX = np.float32([[15, 10, 30, 30]])


def draw(seed, boxes=((0.25, 0.25, 0.5, 0.75),)):
    image = np.full((40, 60, 3), 200, np.uint8)
    boxes = np.float32(list(boxes)).reshape(-1, 4)
    labels = np.ones(len(boxes), int)
    return augment_frame_2020(image, boxes, labels, np.random.default_rng(seed), 30)


def test_the_same_generator_gives_the_same_image():
    for first, again in zip(draw(3), draw(3), strict=True):
        assert np.array_equal(first, again)


def test_half_of_the_frames_grow_by_one_factor_up_to_four_and_hold_the_frame():
    patches = [expand(FRAME, np.random.default_rng(seed)) for seed in range(200)]
    grown = [patch for patch in patches if patch.tolist() != FRAME.tolist()]
    assert 75 < len(grown) < 125
    for left, top, right, bottom in grown:
        assert left <= 0 <= 60 <= right
        assert top <= 0 <= 40 <= bottom
        assert (right - left) / 60 == pytest.approx((bottom - top) / 40, abs=1 / 40)
        assert 1 <= (right - left) / 60 <= 4


def test_a_patch_is_inside_the_image_and_at_most_twice_as_wide_as_high():
    whole = np.array([-20, -10, 100, 70])
    patches = [sample_patch(whole, FACE_PX, np.random.default_rng(seed)) for seed in range(100)]
    cut = [patch for patch in patches if patch.tolist() != whole.tolist()]
    assert len(cut) > 50
    for left, top, right, bottom in cut:
        assert -20 <= left < right <= 100
        assert -10 <= top < bottom <= 70
        assert 0.5 <= (right - left) / (bottom - top) <= 2
        assert compute_iou(np.array([left, top, right, bottom]), FACE_PX)[0] > 0


def test_an_image_without_faces_stays_whole():
    nothing = np.zeros((0, 4), np.float32)
    for seed in range(20):
        assert sample_patch(FRAME, nothing, np.random.default_rng(seed)) is FRAME
    image, boxes, labels = draw(0, boxes=())
    assert image.shape == (30, 30, 3)
    assert boxes.shape == (0, 4)
    assert labels.shape == (0,)


def test_the_overlap_of_a_patch_is_shared_over_joint_area():
    patch = np.array([0, 0, 10, 10])
    boxes_px = np.float32([[0, 0, 10, 5], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert compute_iou(patch, boxes_px) == pytest.approx([0.5, 1 / 3, 0])


def test_what_is_outside_the_frame_has_the_mean_colour():
    image = np.full((4, 6, 3), 200, np.uint8)
    seen = cut_patch(image, np.array([-2, 1, 3, 6]))  # 5 x 5: two columns left, two rows below
    assert seen.shape == (5, 5, 3)
    assert (seen[:3, 2:] == 200).all()
    assert (seen[:, :2] == MEAN_COLOR).all()
    assert (seen[3:] == MEAN_COLOR).all()


def test_a_face_centred_outside_the_patch_is_gone_and_others_reach_over_its_edge():
    boxes_px = np.float32([[0, 0, 20, 20], [10, 0, 40, 20]])
    moved, labels = move_to_patch(boxes_px, np.array([1, 2]), np.array([20, 5, 60, 40]))
    assert moved.tolist() == [[-10, -5, 20, 15]]
    assert labels.tolist() == [2]


@pytest.mark.parametrize("seed", range(20))
def test_boxes_are_whole_px_of_the_input(seed):
    _, boxes, labels = draw(seed)
    assert len(boxes) == len(labels)
    assert np.allclose(boxes * 30, np.round(boxes * 30), atol=1e-4)


def test_a_box_is_where_its_pixels_are():
    image = np.zeros((200, 300, 3), np.uint8)
    image[60:140, 90:180, 0] = 255  # red, which mean colour and grey are not
    checked = 0
    for seed in range(40):
        varied, boxes, _ = augment_frame_2020(
            image,
            np.float32([[0.3, 0.3, 0.6, 0.7]]),
            np.array([1]),
            np.random.default_rng(seed),
            300,
        )
        if len(boxes) == 0:
            continue
        varied = varied.astype(int)
        rows, columns = np.nonzero(varied.max(axis=2) - varied.min(axis=2) > 60)
        seen_px = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(np.clip(boxes[0] * 300, 0, 300) - seen_px).max() <= 3
        checked += 1
    assert checked > 30


def test_greys_keep_their_hue_and_are_shifted_by_at_most_32():
    image = np.full((4, 4, 3), 127, np.uint8)  # contrast leaves the middle alone
    seen = [color_jitter(image, np.random.default_rng(seed))[0, 0] for seed in range(100)]
    assert all(color.min() == color.max() for color in seen)
    greys = [int(color[0]) for color in seen]
    assert 30 < sum(abs(gray - 127) <= 1 for gray in greys) < 70
    assert min(greys) >= 127 - 32 * 1.5 - 1
    assert max(greys) <= 127 + 32 * 1.5 + 1


def test_colours_vary_in_half_of_the_images_each():
    image = np.tile(np.uint8([[[180, 90, 60]]]), (4, 4, 1))
    seen = [color_jitter(image, np.random.default_rng(seed))[0, 0] for seed in range(160)]
    untouched = sum(np.abs(color.astype(int) - [180, 90, 60]).max() <= 3 for color in seen)
    assert 2 <= untouched <= 30  # nothing happens to one in sixteen, little to a few
