"""What happens to a face on its way to us, at random: colours, retouching, lenses, codecs, hands.

A real face and its fake must be degraded alike, so what happens is drawn once, as a
`Degradation`, and done to both. Pictures are RGB uint8 [H, W, 3].
"""

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

from deepfake_detector.video.images import recompress_jpeg


@dataclass(frozen=True)
class Degradation:
    """One drawn fate of a picture; 0 and 1 mean that nothing happens where that fits."""

    retouch: float
    scale: float
    blur: float
    noise: float
    jpeg_quality: int
    crf: int
    gains: np.ndarray
    contrast: float
    saturation: float
    brightness: float
    patch: np.ndarray
    seed: int


NOTHING = Degradation(
    retouch=0.0,
    scale=1.0,
    blur=0.0,
    noise=0.0,
    jpeg_quality=0,
    crf=0,
    gains=np.ones(3),
    contrast=1.0,
    saturation=1.0,
    brightness=0.0,
    patch=np.zeros(4),
    seed=0,
)
"""The fate of a picture that stays as it is."""


def sample_degradation(generator: np.random.Generator) -> Degradation:
    """Draw what happens to a picture; each kind spares a half to four fifths of them."""

    def happens(probability):
        return generator.random() < probability

    patch = np.concatenate([generator.uniform(0, 0.8, 2), generator.uniform(0.08, 0.35, 2)])
    return Degradation(
        retouch=generator.uniform(10, 50) if happens(0.15) else 0.0,
        scale=generator.uniform(0.4, 1) if happens(0.2) else 1.0,
        blur=generator.uniform(0.4, 2.0) if happens(0.15) else 0.0,
        noise=generator.uniform(1, 6) if happens(0.15) else 0.0,
        jpeg_quality=int(generator.integers(40, 96)) if happens(0.25) else 0,
        crf=int(generator.integers(20, 40)) if happens(0.25) else 0,
        gains=generator.uniform(0.9, 1.1, 3),
        contrast=generator.uniform(0.75, 1.25),
        saturation=generator.uniform(0.7, 1.3),
        brightness=generator.uniform(-25, 25),
        patch=patch if happens(0.2) else np.zeros(4),
        seed=int(generator.integers(2**31)),
    )


def degrade(picture: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Do to a picture what was drawn; its size stays."""
    height, width = picture.shape[:2]
    picture = color_jitter(picture, degradation)
    if degradation.retouch:
        picture = retouch(picture, degradation.retouch)
    if degradation.scale < 1:
        small = (
            max(8, round(width * degradation.scale)),
            max(8, round(height * degradation.scale)),
        )
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    if degradation.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), degradation.blur)
    if degradation.noise:
        picture = add_noise(picture, degradation)
    if degradation.jpeg_quality:
        picture = recompress_jpeg(picture, degradation.jpeg_quality)
    if degradation.crf:
        picture = encode_video(picture, degradation.crf)
    if degradation.scale < 1:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    return cutout(picture, degradation)


def mirror(picture: np.ndarray) -> np.ndarray:
    """Swap left and right."""
    return np.ascontiguousarray(picture[:, ::-1])


def color_jitter(picture: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Change gains, contrast, saturation and brightness: one 3x3 matrix and a shift."""
    gray = np.full((3, 3), 1 / 3)
    saturate = degradation.saturation * np.eye(3) + (1 - degradation.saturation) * gray
    matrix = degradation.contrast * saturate * degradation.gains[:, None]
    shift = 127 * (1 - degradation.contrast) + degradation.brightness
    affine = np.column_stack([matrix, np.full(3, shift)])  # [3, 4]
    return cv2.transform(picture, affine)


def retouch(picture: np.ndarray, strength: float) -> np.ndarray:
    """Smooth skin and keep edges, as make-up, phones and editors do (Tomasi & Manduchi 1998).

    Args:
        strength: difference of colours that is still smoothed away, of 255.
    """
    return cv2.bilateralFilter(picture, 7, strength, 3)


def add_noise(picture: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Add the noise of a sensor, the same to pictures of one size."""
    noise = np.random.default_rng(degradation.seed).standard_normal(picture.shape, np.float32)
    return np.clip(picture + degradation.noise * noise, 0, 255).astype(np.uint8)


def encode_video(picture: np.ndarray, crf: int) -> np.ndarray:
    """Encode as one frame of H.264 with a constant rate factor and decode it again."""
    height, width = picture.shape[:2]
    even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    encoder = av.CodecContext.create("libx264", "w")
    encoder.height, encoder.width = even.shape[:2]
    encoder.pix_fmt, encoder.time_base, encoder.thread_count = "yuv420p", Fraction(1, 25), 1
    encoder.options = {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency"}
    frame = av.VideoFrame.from_ndarray(even, format="rgb24")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    (decoded,) = [*frames, *decoder.decode(None)]
    return decoded.to_ndarray(format="rgb24")[:height, :width]


def cutout(picture: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Cover a part of the picture, so that no part alone decides (DeVries & Taylor 2017)."""
    height, width = picture.shape[:2]
    left, top = np.round(degradation.patch[:2] * [width, height]).astype(int)
    wide, high = np.round(degradation.patch[2:] * [width, height]).astype(int)
    picture = picture.copy()
    picture[top : top + high, left : left + wide] = degradation.seed % 256
    return picture
