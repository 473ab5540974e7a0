"""Generated pictures that share everything with an original but the generator.

A real picture is sent through a small generator, so that a classifier of both learns the
generator's traces, and neither people nor cameras (Rajan et al. 2024, "Aligned Datasets Improve
Detection of Latent Diffusion-Generated Images"; Guillaro et al. 2025, "A Bias-Free Training
Paradigm for More General AI-generated Image Detection"). The generators are super-resolution
networks, autoencoders and linear decoders of three kinds. Pictures are RGB uint8 [H, W, 3].
"""

import cv2
import numpy as np

from deepfake_detector.forging.decoder_traces import (
    decode_nearest,
    decode_patches,
    decode_subpixels,
)
from deepfake_detector.forging.generator_networks import (
    AUTOENCODERS,
    SUPER_RESOLVERS,
    encode_and_decode,
    enlarge,
)
from deepfake_detector.forging.self_blending import to_pixels

SUPER_RESOLUTION, AUTOENCODER = "super-resolution", "autoencoder"
PATCHES, SUBPIXELS, NEAREST = "patches", "subpixels", "nearest"
GENERATOR_PROBS = {
    SUPER_RESOLUTION: 0.35,
    AUTOENCODER: 0.2,
    PATCHES: 0.15,
    SUBPIXELS: 0.15,
    NEAREST: 0.15,
}
"""How often each kind of generator is drawn."""

_DECODERS = {PATCHES: decode_patches, SUBPIXELS: decode_subpixels, NEAREST: decode_nearest}
_MAX_DIFFERENCES = (1.0, 5.0)  # of a decoder from the original, in the mean, of 255
_MAX_SHRINKING = 4.5  # of a side: below, a face has no eyes any more
_ALPHAS = (0.6, 0.8, 1.0, 1.0, 1.0)  # of a network's picture over the original


def resynthesize(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Send a picture, of any size, through a generator that is drawn with its strength.

    Threads may call it at once, each with a generator of random numbers of its own.
    """
    kind = generator.choice(list(GENERATOR_PROBS), p=list(GENERATOR_PROBS.values()))
    return resynthesize_with(kind, image, generator)


def resynthesize_with(kind: str, image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Send a picture, of any size, through one of `GENERATOR_PROBS`; only strengths are drawn."""
    picture = image.astype(np.float32)
    if kind == SUPER_RESOLUTION:
        alpha = generator.choice(_ALPHAS)
        change = resolve_again(image, generator) - picture
    else:
        if kind == AUTOENCODER:
            change = code_again(image, generator) - picture
            change -= change.mean((0, 1))  # a tint would be learned first
        else:
            change = _DECODERS[kind](picture, generator) - picture
        limit = np.exp(generator.uniform(*np.log(_MAX_DIFFERENCES)))
        alpha = min(1.0, limit / max(float(np.abs(change).mean()), 1e-6))
    return to_pixels(picture + alpha * change)


def code_again(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Send a picture through an autoencoder, at times at another size, float32 [H, W, 3]."""
    decoder = generator.choice(list(AUTOENCODERS))
    if generator.random() < 0.6:
        return encode_and_decode(image, decoder).astype(np.float32)
    zoom = generator.uniform(0.7, 1.3)
    size = [max(1, round(length * zoom)) for length in image.shape[1::-1]]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    decoded = encode_and_decode(resized, decoder)
    decoded = cv2.resize(decoded, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return decoded.astype(np.float32)


def resolve_again(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Scale a picture down, and up again by a super-resolution network, float32 [H, W, 3].

    At times it is blurred before, or scaled down further than the network scales up.
    """
    scale = int(generator.choice(list(SUPER_RESOLVERS)))
    height, width = image.shape[:2]
    if generator.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), generator.uniform(0.3, 0.35 * scale))
    if generator.random() < 0.3:
        zoom = min(generator.uniform(1.05, 1.5) * scale, _MAX_SHRINKING)
        size = [max(1, round(length / zoom)) for length in (width, height)]
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        large = enlarge(small, scale)
        large = cv2.resize(large, (width, height), interpolation=cv2.INTER_CUBIC)
    else:
        over = -height % scale, -width % scale
        framed = cv2.copyMakeBorder(image, 0, over[0], 0, over[1], cv2.BORDER_REFLECT)
        size = framed.shape[1] // scale, framed.shape[0] // scale
        small = cv2.resize(framed, size, interpolation=cv2.INTER_AREA)
        large = enlarge(small, scale)[:height, :width]
    return large.astype(np.float32)
