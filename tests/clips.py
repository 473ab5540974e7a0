"""Clips made for tests, and a detector with known answers to look at them with.

A face is a red square (a fake) or a blue one (a real face) on grey.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from deepfake_detector.video.writing import write_timed_video, write_video

WIDTH_PX, HEIGHT_PX = 160, 120
FACE_PX = (40, 30, 100, 90)  # left, top, right, bottom
COLORS = {"fake": (230, 30, 30), "real": (30, 30, 230)}


@dataclass
class SeesColors:
    """Stands in for a trained detector: finds the squares, sure to nine tenths.

    `looks` counts the images it was shown.
    """

    input_shape = (None, 120, 120, 3)
    looks = 0

    def predict_on_batch(self, images):
        boxes = np.zeros((len(images), 40, 4), np.float32)
        scores = np.zeros((len(images), 40, 2), np.float32)
        self.looks += len(images)
        for number, image in enumerate(images):
            found = [(box, 0, [0.9, 0.05]) for box in find_squares(image, 2)]
            found += [(box, 1, [0.05, 0.9]) for box in find_squares(image, 0)]
            for place, (box, _, score) in enumerate(found[:40]):
                boxes[number, place], scores[number, place] = box, score
        return {"boxes": boxes, "scores": scores}


def find_squares(image: np.ndarray, channel: int) -> list[np.ndarray]:
    """Find the squares of one colour: boxes [4] in fractions."""
    import cv2

    others = [other for other in range(3) if other != channel]
    is_face = (image[..., channel] > 150) & (image[..., others].max(axis=-1) < 110)
    count, _, stats, _ = cv2.connectedComponentsWithStats(is_face.astype(np.uint8))
    sides = np.array([image.shape[1], image.shape[0]] * 2)
    boxes = [np.array([x, y, x + w, y + h]) / sides for x, y, w, h, _ in stats[1:count]]
    return [box for box in boxes if (box[2:] - box[:2]).min() > 0.05]


def make_frame(faces=(), gray: int = 128, size_px=(WIDTH_PX, HEIGHT_PX)) -> np.ndarray:
    """Make a frame with faces, each a label and a box in px."""
    image = np.full((size_px[1], size_px[0], 3), gray, np.uint8)
    for label, (left, top, right, bottom) in faces:
        image[top:bottom, left:right] = COLORS[label]
    return image


def write_clip(path: Path, frames, fps: float = 10) -> Path:
    write_video(path, frames, fps)
    return path


def write_uneven_clip(path: Path, frames, seconds) -> Path:
    """Write a clip of variable frame rate."""
    write_timed_video(path, zip(seconds, frames, strict=True), 25, {"crf": "18"})
    return path


def turn_clip(path: Path, width_px: int) -> Path:
    """Have players turn a clip by a quarter, as telephones do; `width_px` is as shown."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44  # version 0 of the track header, ISO 14496-12, 8.3.2
    quarter_turn = (0, 65536, 0, -65536, 0, 0, width_px * 65536, 0, 1 << 30)
    content[matrix : matrix + 36] = struct.pack(">9i", *quarter_turn)
    path.write_bytes(content)
    return path


def cut_off(path: Path, share: float) -> Path:
    """Rewrite a clip with its header first, and keep a share of its bytes."""
    fast = path.with_name(f"fast_{path.name}")
    options = {"movflags": "faststart"}
    with av.open(str(path)) as old, av.open(str(fast), "w", options=options) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    content = fast.read_bytes()
    fast.unlink()
    path.write_bytes(content[: int(share * len(content))])
    return path


def write_sound(path: Path, seconds: int = 1) -> Path:
    """Write a file with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for start in range(0, 8000 * seconds, 1000):
            silence = np.zeros((1, 1000), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
