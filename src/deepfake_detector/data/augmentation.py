"""Training images varied at random: Liu et al. 2016 (SSD), sections 2.2 and 3.6, plus what
happens to videos on their way (re-compression, down-scaling).

All geometry is one window: the part of the frame (or more than the frame, for zoom-out) that
becomes the network's input. So an image is sampled once, whatever happens to it. Runs in the
tf.data graph; everything random follows from a seed. Shapes: `N` faces, `B` images, `S` side of
the input in px.
"""

import math

import tensorflow as tf

from deepfake_detector.params import AugmentationParams

WHOLE_FRAME = (0.0, 0.0, 1.0, 1.0)
GREY = 127.0
"""Fills what lies outside the frame: near ImageNet's mean."""


def vary_frame(image, boxes, labels, seed, size_px: int, params: AugmentationParams):
    """Take a random window of a frame, sometimes blurred by down-scaling, sometimes re-compressed.

    Args:
        image: uint8 [height, width, 3].
        boxes: float32 [N, 4]; N may be 0.
        labels: int [N].
        seed: int [2].

    Returns:
        Image float32 [S, S, 3] in 0-255, the faces' boxes in it, clipped to 0-1, and their labels.
        Faces whose centre is outside the window are gone.
    """
    draws = tf.unstack(tf.random.stateless_uniform([7], seed))
    downscale, downscale_side, recompress, quality, flip, zoom, crop = draws
    window = _draw_window(boxes, zoom, crop, seed + 1, params)
    side = tf.where(
        downscale < params.downscale_probability,
        tf.cast(size_px, tf.float32) * _between(params.downscale_smallest, 1.0, downscale_side),
        float(size_px),
    )
    image = sample_window(image, window, tf.cast(side, tf.int32), size_px)
    image = tf.cond(
        recompress < params.recompress_probability,
        lambda: _recompress(image, _between(*params.recompress_quality, quality)),
        lambda: image,
    )
    boxes, labels = move_boxes(boxes, labels, window)
    mirrored = flip < params.flip_probability
    image = tf.cond(mirrored, lambda: image[:, ::-1], lambda: image)
    boxes = tf.where(mirrored, _mirror(boxes), boxes)
    return image, boxes, labels


def sample_window(image, window, side_px, size_px: int):
    """Sample a window of an image bilinearly at `side_px`, then enlarge it to `size_px`.

    Args:
        image: [height, width, 3].
        window: [4] in fractions of the image; what lies outside it is grey.

    Returns:
        float32 [S, S, 3].
    """
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    corners = _to_sample_points(window, shape, tf.cast(side_px, tf.float32))
    sampled = tf.image.crop_and_resize(
        image[None], corners[None], [0], [side_px, side_px], extrapolation_value=GREY
    )
    sampled = tf.cond(
        tf.equal(side_px, size_px),
        lambda: sampled,
        lambda: tf.image.resize(sampled, [size_px, size_px]),
    )[0]
    return tf.ensure_shape(sampled, [size_px, size_px, 3])


def _to_sample_points(window, shape, side):
    """Give the window as (top, left, bottom, right) of the outermost sample points.

    `crop_and_resize` counts from the centre of the first to the centre of the last pixel, a window
    from edge to edge as `cv2.resize` and `tf.image.resize` do.
    """
    left, top, right, bottom = tf.unstack(window)
    first = tf.stack([top, left]) * shape
    last = tf.stack([bottom, right]) * shape
    half = (last - first) / side / 2  # half the distance between two samples, px
    inner = tf.maximum(shape - 1, 1)
    return tf.concat([first + half - 0.5, last - half - 0.5], 0) / tf.tile(inner, [2])


def move_boxes(boxes, labels, window):
    """Give boxes [N, 4] in a window's own fractions, clipped; drop faces centred outside it."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2  # [N, 2]
    inside = tf.reduce_all((centers > window[:2]) & (centers < window[2:]), axis=1)  # [N]
    origin = tf.tile(window[:2], [2])
    size = tf.tile(window[2:] - window[:2], [2])
    boxes = tf.clip_by_value((boxes - origin) / size, 0.0, 1.0)
    return tf.boolean_mask(boxes, inside), tf.boolean_mask(labels, inside)


def _mirror(boxes):
    left, top, right, bottom = tf.unstack(boxes, axis=1)
    return tf.stack([1 - right, top, 1 - left, bottom], axis=1)  # [N, 4]


def _draw_window(boxes, zoom, crop, seed, params: AugmentationParams):
    """Draw the window [4]: zoomed out, cropped around a face, or the whole frame."""
    places = tf.unstack(tf.random.stateless_uniform([4], seed))
    is_zoomed = zoom < params.zoom_out_probability
    is_cropped = crop < params.crop_probability
    return tf.case(
        [
            (is_zoomed, lambda: _draw_zoom_out(places, params.zoom_out_most)),
            (is_cropped, lambda: _draw_crop(boxes, places, seed + 1, params.crop_smallest)),
        ],
        default=lambda: tf.constant(WHOLE_FRAME),
    )


def _draw_zoom_out(places, most: float):
    """Draw a window larger than the frame, which lies anywhere in it."""
    side = _between(1.0, most, places[0])
    origin = -(side - 1) * tf.stack(places[1:3])
    return tf.concat([origin, origin + side], 0)


def _draw_crop(boxes, places, seed, smallest: float):
    """Draw a window inside the frame that holds one face whole; any window where there is none."""
    count = tf.shape(boxes)[0]
    chosen = tf.random.stateless_uniform([], seed, 0, tf.maximum(count, 1), tf.int32)
    anywhere = tf.constant([[0.5, 0.5, 0.5, 0.5]])  # an empty box: no constraint but the frame
    face = tf.cond(count > 0, lambda: boxes[chosen], lambda: anywhere[0])
    scale = _between(smallest, 1.0, places[0])
    stretch = tf.exp(_between(-math.log(1.4), math.log(1.4), places[1]))  # width : height
    sides = tf.stack([scale * stretch, scale / stretch])
    sides = tf.clip_by_value(sides, tf.minimum((face[2:] - face[:2]) * 1.1, 1.0), 1.0)
    has_face = count > 0
    first = tf.where(has_face, tf.maximum(face[2:] - sides, 0.0), tf.zeros([2]))
    last = tf.where(has_face, tf.minimum(face[:2], 1 - sides), 1 - sides)
    origin = first + (tf.maximum(last, first) - first) * tf.stack(places[2:4])
    return tf.concat([origin, origin + sides], 0)


def _recompress(image, quality):
    """Write as JPEG and read again: [S, S, 3] to [S, S, 3]."""
    pixels = tf.cast(tf.clip_by_value(image, 0.0, 255.0), tf.uint8)
    encoded = tf.raw_ops.EncodeJpegVariableQuality(
        images=pixels, quality=tf.cast(quality, tf.int32)
    )
    decoded = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_FAST")
    return tf.ensure_shape(tf.cast(decoded, tf.float32), image.shape)


def vary_colours(images, seed, params: AugmentationParams):
    """Vary brightness, contrast, saturation and hue of each image of a batch on its own.

    All four are one 3x3 matrix and one shift per image: hue turns and saturation scales the
    colour plane of YIQ, contrast scales about mid-grey, brightness shifts. Each happens to half
    the images.

    Args:
        images: float32 [B, S, S, 3] in 0-255.
        seed: int [2].

    Returns:
        [B, S, S, 3] in 0-255.
    """
    count = tf.shape(images)[0]
    happens, amount = tf.unstack(tf.random.stateless_uniform([2, 4, count], seed))
    happens = tf.cast(happens < 0.5, tf.float32)
    hue_most = params.hue_degrees / 180 * math.pi
    hue = happens[0] * _between(-hue_most, hue_most, amount[0])
    saturation = _between(*params.saturation, amount[1]) ** happens[1]
    contrast = _between(*params.contrast, amount[2]) ** happens[2]
    shift = happens[3] * _between(-params.brightness, params.brightness, amount[3]) * 255
    matrix = make_colour_matrix(hue, saturation) * contrast[:, None, None]  # [B, 3, 3]
    shift = shift + GREY * (1 - contrast)
    rows = tf.reshape(images, [count, -1, 3])
    rows = tf.matmul(rows, matrix, transpose_b=True) + shift[:, None, None]
    return tf.clip_by_value(tf.reshape(rows, tf.shape(images)), 0.0, 255.0)


_RGB_TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def make_colour_matrix(hue, saturation):
    """Make RGB matrices [B, 3, 3] that turn the hue by [B] radians and scale saturation by [B]."""
    zero, one = tf.zeros_like(hue), tf.ones_like(hue)
    cosine, sine = saturation * tf.cos(hue), saturation * tf.sin(hue)
    turn = tf.stack(
        [
            tf.stack([one, zero, zero], -1),
            tf.stack([zero, cosine, -sine], -1),
            tf.stack([zero, sine, cosine], -1),
        ],
        axis=-2,
    )  # [B, 3, 3]
    to_yiq = tf.constant(_RGB_TO_YIQ)
    return tf.linalg.inv(to_yiq) @ turn @ to_yiq


def _between(low, high, share):
    return low + (high - low) * share
