"""Sounds, and small clips that have them."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 8000


def make_tone(hertz: float, seconds: float) -> np.ndarray:
    """Make a steady tone: float [N] at 8 kHz."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)


def make_melody(seed: int, seconds: float) -> np.ndarray:
    """Make a melody of notes with overtones, a fifth of a second each."""
    generator = np.random.default_rng(seed)
    notes = []
    for _ in range(int(5 * seconds)):
        pitch = generator.uniform(200, 900)
        tones = (make_tone(pitch * n, 0.2) * generator.uniform(0.1, 1) for n in (1, 2, 3))
        notes.append(sum(tones) / 3)
    return np.concatenate(notes)


def write_sound_clip(path: Path, samples, bit_rate: int, images=None) -> Path:
    """Write a clip; `samples` None: without sound."""
    if images is None:
        images = [np.full((48, 64, 3), 20 * n, np.uint8) for n in range(6)]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(25))
        video.width, video.height, video.pix_fmt = (
            images[0].shape[1],
            images[0].shape[0],
            "yuv420p",
        )
        sound = None
        if samples is not None:
            sound = container.add_stream("aac", rate=16000, layout="mono")
            sound.bit_rate = bit_rate
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            doubled = np.repeat(samples, 2).astype(np.float32)
            for start in range(0, len(doubled) - 1023, 1024):
                part = av.AudioFrame.from_ndarray(
                    doubled[None, start : start + 1024].copy(), format="fltp", layout="mono"
                )
                part.sample_rate, part.pts = 16000, start
                container.mux(sound.encode(part))
            container.mux(sound.encode())
    return path
