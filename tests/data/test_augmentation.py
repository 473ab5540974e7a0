import math

import numpy as np
import pytest
import tensorflow as tf

from deepfake_detector.data.augmentation import (
    GREY,
    WHOLE_FRAME,
    make_colour_matrix,
    move_boxes,
    sample_window,
    vary_colours,
    vary_frame,
)
from deepfake_detector.params import AugmentationParams

NOTHING = AugmentationParams(
    brightness=0.0,
    contrast=[1.0, 1.0],
    saturation=[1.0, 1.0],
    hue_degrees=0.0,
    zoom_out_probability=0.0,
    zoom_out_most=1.0,
    crop_probability=0.0,
    crop_smallest=1.0,
    flip_probability=0.0,
    recompress_probability=0.0,
    recompress_quality=[50, 90],
    downscale_probability=0.0,
    downscale_smallest=1.0,
)
FACE = [0.25, 0.25, 0.5, 0.75]


def vary(changes, boxes=(FACE,), labels=(1,), seed=0, image=None):
    image = np.full((40, 60, 3), 200, np.uint8) if image is None else image
    boxes = tf.reshape(tf.constant(list(boxes), tf.float32), [-1, 4])
    labels = tf.constant(list(labels), tf.int64)
    params = NOTHING.model_copy(update=changes)
    varied = vary_frame(image, boxes, labels, tf.constant([seed, 1], tf.int64), 30, params)
    return [part.numpy() for part in varied]


def test_without_probabilities_the_frame_is_only_resized():
    image, boxes, labels = vary({})
    assert image.shape == (30, 30, 3)
    assert np.allclose(image, 200)
    assert np.allclose(boxes, [FACE])
    assert labels.tolist() == [1]


def test_the_whole_frame_is_sampled_where_resizing_samples_it():
    ramp = np.tile(np.arange(60, dtype=np.float32)[None, :, None], (40, 1, 3))
    sampled = sample_window(ramp, tf.constant(WHOLE_FRAME), 30, 30).numpy()
    expected = tf.image.resize(ramp, [30, 30]).numpy()
    assert np.allclose(sampled, expected, atol=1e-3)


def test_a_flip_mirrors_the_image_and_the_box():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 15:30] = 255  # where the face is
    flipped, boxes, _ = vary({"flip_probability": 1.0}, image=image)
    assert np.allclose(boxes, [[0.5, 0.25, 0.75, 0.75]])
    assert flipped[10, 18:22].min() > 250
    assert flipped[10, 8:12].max() < 5


@pytest.mark.parametrize("seed", range(20))
def test_a_crop_keeps_a_face_whole(seed):
    changes = {"crop_probability": 1.0, "crop_smallest": 0.3}
    _, boxes, labels = vary(changes, seed=seed)
    assert labels.tolist() == [1]
    left, top, right, bottom = boxes[0]
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1
    assert (right - left) * (bottom - top) >= 0.25 * 0.5  # a crop enlarges the face


@pytest.mark.parametrize("seed", range(10))
def test_zooming_out_puts_the_frame_on_grey_and_shrinks_the_face(seed):
    image, boxes, _ = vary({"zoom_out_probability": 1.0, "zoom_out_most": 3.0}, seed=seed)
    left, top, right, bottom = boxes[0]
    scale = (right - left) / 0.25
    assert 1 / 3 <= scale <= 1
    assert (bottom - top) / 0.5 == pytest.approx(scale, rel=1e-4)
    assert set(np.unique(np.round(image))) <= {GREY, 200} | set(range(127, 201))
    assert np.mean(np.isclose(image, 200)) <= scale**2 + 0.05


def test_a_frame_without_faces_can_be_cropped():
    _, boxes, labels = vary({"crop_probability": 1.0, "crop_smallest": 0.5}, (), ())
    assert boxes.shape == (0, 4)
    assert labels.shape == (0,)


def test_a_face_centred_outside_the_window_is_gone_and_others_are_clipped():
    boxes = tf.constant([[0.0, 0.0, 0.4, 1.0], [0.4, 0.0, 0.8, 1.0]])
    window = tf.constant([0.5, 0.0, 1.0, 1.0])
    moved, labels = move_boxes(boxes, tf.constant([1, 2]), window)
    assert np.allclose(moved, [[0.0, 0.0, 0.6, 1.0]])
    assert labels.numpy().tolist() == [2]


def test_recompression_changes_pixels_but_not_much():
    noise = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    plain, _, _ = vary({}, image=noise)
    compressed, boxes, _ = vary({"recompress_probability": 1.0}, image=noise)
    difference = np.abs(plain - compressed).mean()
    assert 1 < difference < 60
    assert np.allclose(boxes, [FACE])


def test_down_scaling_takes_fine_detail_away():
    noise = np.random.default_rng(1).integers(0, 255, (30, 30, 3), dtype=np.uint8)
    plain, _, _ = vary({}, image=noise)
    blurred, _, _ = vary(
        {"downscale_probability": 1.0, "downscale_smallest": 0.3}, image=noise, seed=3
    )
    assert blurred.std() < 0.9 * plain.std()


def test_no_turn_and_full_saturation_leave_colours_alone():
    matrix = make_colour_matrix(tf.constant([0.0]), tf.constant([1.0])).numpy()[0]
    assert np.allclose(matrix, np.eye(3), atol=1e-5)


def test_no_saturation_leaves_luminance():
    matrix = make_colour_matrix(tf.constant([0.7]), tf.constant([0.0])).numpy()[0]
    grey = matrix @ [100.0, 50.0, 200.0]
    luminance = 0.299 * 100 + 0.587 * 50 + 0.114 * 200
    assert np.allclose(grey, luminance, atol=0.2)


def test_a_half_turn_of_hue_keeps_luminance():
    matrix = make_colour_matrix(tf.constant([math.pi]), tf.constant([1.0])).numpy()[0]
    weights = np.array([0.299, 0.587, 0.114])
    colour = np.array([100.0, 50.0, 200.0])
    assert weights @ (matrix @ colour) == pytest.approx(weights @ colour, rel=1e-3)


def test_colours_vary_between_images_of_a_batch_and_follow_the_seed():
    params = NOTHING.model_copy(update={"brightness": 0.2, "contrast": [0.5, 1.5]})
    images = tf.fill([16, 4, 4, 3], 100.0)
    first = vary_colours(images, tf.constant([3, 4]), params).numpy()
    again = vary_colours(images, tf.constant([3, 4]), params).numpy()
    assert np.array_equal(first, again)
    assert len(np.unique(first[:, 0, 0, 0].round(3))) > 4
    assert first.min() >= 0
    assert first.max() <= 255
