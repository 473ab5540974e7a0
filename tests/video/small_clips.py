"""Small clips of one gray each frame, or of noise, and ways to damage them."""

from pathlib import Path

import av
import numpy as np

GREYS = [20 * number for number in range(12)]


def make_frames(greys=GREYS, height_px=48, width_px=64):
    return [np.full((height_px, width_px, 3), gray, np.uint8) for gray in greys]


def make_noise(count, height_px=96, width_px=128):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)
    return [np.roll(image, 3 * number, axis=1) for number in range(count)]


def remux(source: Path, target: Path, **options) -> Path:
    """Copy the packets of a video into another container."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target


def cut_in_half(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path
