"""One encoder and a decoder for each of two people: one's expression drawn with the other's face.

As DeepFaceLab ("df", Perov et al. 2020, section 3.2) and faceswap do: both people's faces go
through the same encoder, and each decoder draws one person. It is trained on nothing but the
videos of the two. What makes it quick: nothing but the face is seen and counts, its colors are
normalized, and each decoder begins with its person's mean face. `B` faces of each person, `S` px
a side. No other module of `forging` imports Keras; it is trained here, not in `training`, as a
forger is no detector and needs nothing of a detector's training.
"""

import keras
import numpy as np
from keras import layers, ops
from tqdm import tqdm

from deepfake_detector.forging.aligned_faces import (
    FACE_PX,
    make_face_weights,
    normalize_colors,
    sample_warped,
    trim,
)

_ENCODER_WIDTHS, _DECODER_WIDTHS = (24, 48, 96, 128), (96, 48, 24, 16)
_N_CODES = 256
_CODE_PX = FACE_PX // 2 ** len(_ENCODER_WIDTHS)
_FACES_PER_STEP = 8  # of each person
_LEARNING_RATE = 1e-3
_SLOPE = 0.1
_START = "he_normal"  # He et al. 2015; see test_expression_of_the_target_is_drawn


class PersonDrawer:
    """Draws one person with the expression of another.

    Args:
        network: encoder and decoder of that person: from anyone's faces [B, S, S, 3], colors
            normalized and weighted, to the person's.
    """

    def __init__(self, network: keras.Model):
        self._network = network

    def draw(self, cut: np.ndarray) -> np.ndarray:
        """Draw the person with the expression and the colors of a face.

        Args:
            cut: uint8 [P, P, 3], as `cut_face` gives it.

        Returns:
            float32 [S, S, 3] in gray levels.
        """
        face, mean, spread = normalize_colors(trim(cut))
        shown = face * make_face_weights()[..., None]
        drawn = ops.convert_to_numpy(self._network(shown[None], training=False))[0]
        return np.clip(drawn * spread + mean, 0, 255)


def train_drawers(
    people: tuple[np.ndarray, np.ndarray], steps: int, seed: list[int]
) -> tuple[PersonDrawer, PersonDrawer]:
    """Train an autoencoder on the faces of two people, and show its progress.

    Args:
        people: uint8 [N, P, P, 3] of each, faces as `cut_face` gives them; N may differ.
        steps: of training, each on `_FACES_PER_STEP` faces of both.
        seed: of all that is drawn, as `np.random.default_rng` takes it; on one machine the same
            gives the same network.

    Returns:
        What draws the first person, and what draws the second, with anyone's expression.
    """
    keras.utils.set_random_seed(int(np.random.default_rng(seed).integers(2**31)))
    encoder = make_encoder()
    decoders = [make_decoder(measure_mean_face(faces)) for faces in people]
    inputs = [keras.Input((FACE_PX, FACE_PX, 3)) for _ in decoders]
    drawn = [decode(encoder(image)) for decode, image in zip(decoders, inputs, strict=True)]
    network = keras.Model(inputs, drawn)
    # without XLA: 61 steps take 16 s of CPU time, with it 23 to 24
    network.compile(make_optimizer(steps), loss=[compute_loss, compute_loss], jit_compile=False)
    # not `fit`: Ctrl-C would leave its thread in a batch, for which Python's exit waits forever
    for step in tqdm(range(steps), desc="  autoencoder", unit=" steps"):
        network.train_on_batch(*sample_batch(people, np.random.default_rng([*seed, step])))
    first, second = (keras.Model(inputs[0], decode(encoder(inputs[0]))) for decode in decoders)
    return PersonDrawer(first), PersonDrawer(second)


def make_optimizer(steps: int) -> keras.optimizers.Optimizer:
    """Make Adam with a warm-up and a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(
        _LEARNING_RATE / 10, steps, warmup_target=_LEARNING_RATE, warmup_steps=steps // 20
    )
    return keras.optimizers.Adam(rate, global_clipnorm=1.0)


def sample_batch(
    people: tuple[np.ndarray, ...], generator: np.random.Generator
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Sample `_FACES_PER_STEP` faces of each person, bent and as they are: [B, S, S, 3] each."""
    shown, wanted = [], []
    for faces in people:
        chosen = generator.integers(len(faces), size=_FACES_PER_STEP)
        pairs = [sample_warped(faces[number], generator) for number in chosen]
        bent, straight = (
            np.stack([normalize_colors(face)[0] for face in part])
            for part in zip(*pairs, strict=True)
        )
        shown.append(bent * make_face_weights()[..., None])
        wanted.append(straight)
    return tuple(shown), tuple(wanted)


def measure_mean_face(cuts: np.ndarray) -> np.ndarray:
    """Measure the mean [S, S, 3] of faces [N, P, P, 3] with normalized colours."""
    return np.mean([normalize_colors(trim(cut))[0] for cut in cuts], axis=0)


def make_encoder() -> keras.Model:
    """Make the network from faces [B, S, S, 3] to codes [B, _CODE_PX, _CODE_PX, C]."""
    image = x = keras.Input((FACE_PX, FACE_PX, 3))
    for width in _ENCODER_WIDTHS:
        x = layers.Conv2D(width, 5 if width < 96 else 3, 2, "same", kernel_initializer=_START)(x)
        x = layers.LeakyReLU(_SLOPE)(x)
    x = layers.Dense(_N_CODES)(layers.Flatten()(x))
    x = layers.Dense(_CODE_PX**2 * _ENCODER_WIDTHS[-1])(x)
    x = layers.Reshape((_CODE_PX, _CODE_PX, _ENCODER_WIDTHS[-1]))(x)
    return keras.Model(image, layers.LeakyReLU(_SLOPE)(x))


def make_decoder(mean_face: np.ndarray) -> keras.Model:
    """Make the network that draws one person, whose mean face [S, S, 3] it begins with."""
    codes = x = keras.Input((_CODE_PX, _CODE_PX, _ENCODER_WIDTHS[-1]))
    for width in _DECODER_WIDTHS:
        x = layers.Conv2D(4 * width, 3, padding="same", kernel_initializer=_START)(x)
        x = layers.LeakyReLU(_SLOPE)(x)
        x = PixelShuffle()(x)
    x = layers.Conv2D(3, 3, padding="same", kernel_initializer="zeros")(x)
    return keras.Model(codes, MeanFace(mean_face)(x))


class PixelShuffle(layers.Layer):
    """Twice as high and wide, with a quarter of the channels (Shi et al. 2016)."""

    def call(self, x):
        _, height, width, channels = x.shape
        x = ops.reshape(x, (-1, height, width, 2, 2, channels // 4))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, 2 * height, 2 * width, channels // 4))


class MeanFace(layers.Layer):
    """Adds a picture that is learned, too."""

    def __init__(self, start: np.ndarray):
        super().__init__()
        self.picture = self.add_weight(
            shape=start.shape, initializer=lambda shape, dtype=None: ops.convert_to_tensor(start)
        )

    def call(self, x):
        return x + self.picture


def compute_loss(wanted, drawn):
    """Compute the mean absolute error [B] under the mask of a face, of pixels and of edges."""
    weights = ops.convert_to_tensor(make_face_weights()[..., None])
    error = wanted - drawn
    right, down = error[:, :, 1:] - error[:, :, :-1], error[:, 1:] - error[:, :-1]
    parts = ((error, weights), (right, weights[:, 1:]), (down, weights[1:]))
    return sum(ops.mean(ops.abs(part) * weight, axis=(1, 2, 3)) for part, weight in parts)
