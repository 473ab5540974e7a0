import math

import numpy as np
import pytest

from deepfake_detector.augmentation.frames import (
    GRAY,
    Window,
    augment_frame,
    color_jitter,
    make_color_matrix,
    move_boxes,
    render_window,
    sample_window,
)
from deepfake_detector.config.schema import AugmentationParams

NOTHING = AugmentationParams(
    name="windows",
    brightness=0.0,
    contrast=[1.0, 1.0],
    saturation=[1.0, 1.0],
    hue_degrees=0.0,
    expand_prob=0.0,
    max_expand_ratio=1.0,
    crop_prob=0.0,
    min_crop_scale=1.0,
    flip_prob=0.0,
    recompress_prob=0.0,
    recompress_quality=[50, 90],
    downscale_prob=0.0,
    min_downscale=1.0,
)
FACE = [0.25, 0.25, 0.5, 0.75]


def vary(changes, boxes=(FACE,), labels=(1,), seed=0, image=None):
    image = np.full((40, 60, 3), 200, np.uint8) if image is None else image
    boxes = np.float32(list(boxes)).reshape(-1, 4)
    generator = np.random.default_rng(seed)
    params = NOTHING.model_copy(update=changes)
    return augment_frame(image, boxes, np.array(labels, int), generator, 30, params)


def test_without_probabilities_the_frame_is_only_resized():
    image, boxes, labels = vary({})
    assert image.shape == (30, 30, 3)
    assert image.dtype == np.uint8
    assert (image == 200).all()
    assert np.allclose(boxes, [FACE])
    assert labels.tolist() == [1]


def test_the_same_generator_gives_the_same_image_and_another_one_another():
    noise = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    changes = {
        "crop_prob": 1.0,
        "min_crop_scale": 0.3,
        "recompress_prob": 1.0,
        "downscale_prob": 1.0,
        "min_downscale": 0.4,
        "brightness": 0.2,
    }
    first, again, other = (vary(changes, image=noise, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[1], other[1])


def test_the_whole_frame_is_sampled_where_evaluation_samples_it():
    import tensorflow as tf

    ramp = np.tile(np.arange(60, dtype=np.uint8)[None, :, None] * 4, (40, 1, 3))
    whole = Window(np.array([0, 0, 60, 40]), np.array([0, 0, 30, 30]))
    expected = tf.image.resize(ramp, [30, 30]).numpy()
    assert np.abs(render_window(ramp, whole, 1.0, 30) - expected).max() <= 1  # rounded


def test_a_flip_mirrors_the_image_and_the_box():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 15:30] = 255  # where the face is
    flipped, boxes, _ = vary({"flip_prob": 1.0}, image=image)
    assert np.allclose(boxes, [[0.5, 0.25, 0.75, 0.75]])
    assert flipped[10, 18:22].min() > 250
    assert flipped[10, 8:12].max() < 5


@pytest.mark.parametrize("seed", range(20))
def test_a_crop_keeps_a_face_whole(seed):
    changes = {"crop_prob": 1.0, "min_crop_scale": 0.3}
    _, boxes, labels = vary(changes, seed=seed)
    assert labels.tolist() == [1]
    left, top, right, bottom = boxes[0]
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1
    assert (right - left) * (bottom - top) >= 0.25 * 0.5  # a crop enlarges the face


@pytest.mark.parametrize("seed", range(10))
def test_zooming_out_puts_the_frame_on_grey_and_shrinks_the_face(seed):
    image, boxes, _ = vary({"expand_prob": 1.0, "max_expand_ratio": 3.0}, seed=seed)
    left, top, right, bottom = boxes[0]
    scale = (right - left) / 0.25
    assert 1 / 3 <= scale <= 1
    assert (bottom - top) / 0.5 == pytest.approx(scale, rel=1e-4)
    assert set(np.unique(image)) <= {GRAY, 200}
    assert np.mean(image == 200) == pytest.approx(scale**2, abs=1e-6)


def test_a_frame_without_faces_can_be_cropped():
    _, boxes, labels = vary({"crop_prob": 1.0, "min_crop_scale": 0.5}, (), ())
    assert boxes.shape == (0, 4)
    assert labels.shape == (0,)


def test_a_box_is_where_the_window_shows_its_pixels():
    image = np.zeros((200, 300, 3), np.uint8)
    image[60:140, 90:180] = 255
    box = np.float32([[0.3, 0.3, 0.6, 0.7]])
    params = NOTHING.model_copy(
        update={
            "crop_prob": 0.5,
            "min_crop_scale": 0.4,
            "expand_prob": 0.5,
            "max_expand_ratio": 3.0,
        }
    )
    for seed in range(30):
        varied, boxes, _ = augment_frame(
            image, box, np.array([1]), np.random.default_rng(seed), 300, params
        )
        rows, columns = np.nonzero(varied[..., 0] > 200)
        seen_px = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(boxes[0] * 300 - seen_px).max() <= 1.5


@pytest.mark.parametrize("seed", range(20))
def test_a_window_is_whole_pixels_inside_the_frame(seed):
    params = NOTHING.model_copy(update={"crop_prob": 1.0, "min_crop_scale": 0.01})
    generator = np.random.default_rng(seed)
    window = sample_window(np.zeros((0, 4), np.float32), (40, 60, 3), generator, 30, params)
    left, top, right, bottom = window.source.tolist()
    assert 0 <= left < right <= 60
    assert 0 <= top < bottom <= 40


def test_a_face_centred_outside_the_window_is_gone_and_others_are_clipped():
    boxes = np.float32([[0.0, 0.0, 0.4, 1.0], [0.4, 0.0, 0.8, 1.0]])
    window = Window(np.array([50, 0, 100, 80]), np.array([0, 0, 30, 30]))  # the right half
    moved, labels = move_boxes(boxes, np.array([1, 2]), window, (80, 100, 3), 30)
    assert np.allclose(moved, [[0.0, 0.0, 0.6, 1.0]])
    assert labels.tolist() == [2]


def test_recompression_changes_pixels_but_not_much():
    noise = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    plain, _, _ = vary({}, image=noise)
    compressed, boxes, _ = vary({"recompress_prob": 1.0}, image=noise)
    difference = np.abs(plain.astype(int) - compressed).mean()
    assert 1 < difference < 60
    assert np.allclose(boxes, [FACE])


def test_down_scaling_takes_fine_detail_away():
    noise = np.random.default_rng(1).integers(0, 255, (30, 30, 3), dtype=np.uint8)
    plain, _, _ = vary({}, image=noise)
    blurred, _, _ = vary({"downscale_prob": 1.0, "min_downscale": 0.3}, image=noise, seed=3)
    assert blurred.std() < 0.9 * plain.std()


def test_no_turn_and_full_saturation_leave_colours_alone():
    assert np.allclose(make_color_matrix(0.0, 1.0), np.eye(3), atol=1e-5)


def test_no_saturation_leaves_luminance():
    gray = make_color_matrix(0.7, 0.0) @ [100.0, 50.0, 200.0]
    luminance = 0.299 * 100 + 0.587 * 50 + 0.114 * 200
    assert np.allclose(gray, luminance, atol=0.2)


def test_a_half_turn_of_hue_keeps_luminance():
    matrix = make_color_matrix(math.pi, 1.0)
    weights = np.array([0.299, 0.587, 0.114])
    color = np.array([100.0, 50.0, 200.0])
    assert weights @ (matrix @ color) == pytest.approx(weights @ color, rel=1e-3)


def draw_greys(changes, value, count=40):
    """What becomes of plain pictures of one grey, each by its own generator."""
    params = NOTHING.model_copy(update=changes)
    image = np.full((4, 4, 3), value, np.uint8)
    varied = (color_jitter(image, np.random.default_rng(n), params) for n in range(count))
    return [int(image[0, 0, 0]) for image in varied]


def test_brightness_shifts_half_of_the_images_by_at_most_its_share():
    greys = draw_greys({"brightness": 0.2}, 100)
    assert 10 < greys.count(100) < 30
    assert 49 <= min(greys) < 75
    assert 125 < max(greys) <= 151


def test_contrast_scales_about_mid_grey_and_is_clipped():
    assert set(draw_greys({"contrast": [0.5, 1.5]}, GRAY)) == {GRAY}
    bright = draw_greys({"contrast": [0.5, 1.5]}, 227)
    assert 177 <= min(bright) < 200
    assert max(bright) == 255
