"""Draw the contact sheet of re-synthesized faces from the sample.

    dvc pull
    python docs/draw_forging.py

Writes docs/images/forging_resynthesis.jpg: a real face a row, and what each kind of generator
makes of it, twice; below each, its left eye four times as large.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "src"))

from deepfake_detector.forging.resynthesis import (  # noqa: E402
    GENERATOR_PROBS,
    resynthesize_with,
)
from deepfake_detector.video.reading import read_frames  # noqa: E402

VIDEOS = DOCS.parent / "data/videos"
FACES = {  # left, top and side of the crop in frame 0, and left and top of what is enlarged
    "call_2.mp4": (30, 80, 200, (36, 70)),
    "franck_3.mp4": (110, 65, 200, (40, 60)),
}
EYE_PX, QUALITY = 50, 85
GAP_PX, WHITE, INK = 4, (255, 255, 255), (51, 39, 29)


def main() -> None:
    rows = [draw_row(name, *place) for name, place in FACES.items()]
    sheet = np.vstack([draw_titles(rows[0].shape[1]), *rows])
    path = str(DOCS / "images/forging_resynthesis.jpg")
    cv2.imwrite(path, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def draw_row(name: str, left: int, top: int, side: int, eye: tuple[int, int]) -> np.ndarray:
    """Draw a face as it was filmed and as each kind of generator makes it."""
    _, frame = next(read_frames(VIDEOS / name))
    face = np.ascontiguousarray(frame[top : top + side, left : left + side])
    generator = np.random.default_rng(len(name) + 1)
    faces = [face, *(resynthesize_with(kind, face, generator) for kind in GENERATOR_PROBS)]
    return np.hstack([draw_face(each, eye) for each in faces])


def draw_face(face: np.ndarray, eye: tuple[int, int]) -> np.ndarray:
    """Draw a face above what is enlarged of it."""
    left, top = eye
    part = face[top : top + EYE_PX, left : left + EYE_PX]
    part = cv2.resize(part, face.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    gap = [0, GAP_PX, 0, GAP_PX]
    return np.vstack(
        [cv2.copyMakeBorder(p, *gap, cv2.BORDER_CONSTANT, value=WHITE) for p in (face, part)]
    )


def draw_titles(width_px: int) -> np.ndarray:
    """Draw the names above the columns."""
    strip = np.full((24, width_px, 3), 255, np.uint8)
    titles = ["real", *GENERATOR_PROBS]
    for number, title in enumerate(titles):
        place = (4 + number * width_px // len(titles), 17)
        cv2.putText(strip, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return strip


if __name__ == "__main__":
    main()
