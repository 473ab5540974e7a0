"""Fingerprints of soundtracks: one 16-bit word each 64 ms, alike after another encoding.

Bits are signs of the energy differences of neighboring bands, after Haitsma and Kalker, "A Highly
Robust Audio Fingerprinting System" (ISMIR 2002), without their difference in time, so that a
steady tone has a stable word, too. Shapes: `N` samples, `T` words.
"""

from pathlib import Path

import av
import numpy as np

from deepfake_detector.video.decoding import open_video
from deepfake_detector.video.media.errors import RejectedFileError, reading

WORDS_PER_SECOND = 15.625
BITS = 16

_RATE = 8000
_HOP = 512
_WINDOW = 2048
_BANDS_HZ = (200.0, 3600.0)
_MIN_LEVEL = 1e-3  # of full scale, root mean square: -60 dB is silence
_MIN_BAND = 1e-4  # of the window's energy; weaker bands are noise of the encoding
_MAX_SECONDS = 600.0  # of a soundtrack that are looked at


def fingerprint_sound(path: Path) -> np.ndarray:
    """Return the words of a video's first soundtrack, uint16 [T].

    Returns:
        Nothing where there is no sound, or it is silent; windows of silence have the word 0.

    Raises:
        RejectedFileError: not a video.
        FileNotFoundError: there is no such file.
    """
    words = fingerprint_samples(_read_samples(path))
    return words if words.any() else words[:0]


def fingerprint_samples(samples: np.ndarray) -> np.ndarray:
    """Return the words of sound at 8 kHz, float [N] in -1 to 1: uint16 [T], 0 for silence."""
    if len(samples) < _WINDOW:
        return np.zeros(0, np.uint16)
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    is_silent = np.sqrt((windows**2).mean(axis=1)) < _MIN_LEVEL
    power = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1)) ** 2
    edges = np.geomspace(*_BANDS_HZ, BITS + 2) * _WINDOW / _RATE
    bands = np.add.reduceat(power, edges.round().astype(int), axis=1)[:, :-1]  # [T, 17]
    bands = np.maximum(bands / np.maximum(bands.sum(axis=1, keepdims=True), 1e-20), _MIN_BAND)
    bits = bands[:, :-1] > bands[:, 1:]  # [T, 16]
    words = np.packbits(bits, axis=1).view(">u2").ravel().astype(np.uint16)
    return np.where(is_silent, 0, words).astype(np.uint16)


def _read_samples(path: Path) -> np.ndarray:
    """Decode the first soundtrack as far as it can be: float32 [N], mono, 8 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=_RATE)
    parts, count = [np.zeros(0, np.float32)], 0
    with open_video(path) as container:
        if not container.streams.audio:
            return parts[0]
        try:
            with reading(path):
                for frame in container.decode(container.streams.audio[0]):
                    for part in resampler.resample(frame):
                        parts.append(part.to_ndarray().ravel())
                        count += len(parts[-1])
                    if count > _MAX_SECONDS * _RATE:
                        break
        except RejectedFileError:  # a broken end says nothing of what comes before
            pass
    return np.concatenate(parts)
