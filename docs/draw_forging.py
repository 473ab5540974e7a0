"""Draw the contact sheets of forged faces from the sample.

    dvc pull
    python docs/draw_forging.py

Writes docs/images/forging_methods.jpg: a real face a row, and what each method makes of it; below
each, what has changed, four times as strong. And docs/images/forging_resynthesis.jpg: the same of
each kind of generator; below each, the left eye four times as large. And
docs/images/forging_autoencoder.jpg: frames of two people, below each the other person in its
place (`forge.py --method autoencoder_swap`); this takes five minutes of processor time.
"""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "src"))

from deepfake_detector.config.schema import ForgingMethods, load_params  # noqa: E402
from deepfake_detector.faces.landmarks import FaceLandmarker  # noqa: E402
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector  # noqa: E402
from deepfake_detector.forging.autoencoder_forger import (  # noqa: E402
    cut_faces,
    make_autoencoder_swap,
)
from deepfake_detector.forging.expression_warp import warp_expression  # noqa: E402
from deepfake_detector.forging.landmark_blending import (  # noqa: E402
    LandmarkedFace,
    blend_by_landmarks,
    blend_under_mask,
    swap_by_landmarks,
)
from deepfake_detector.forging.resynthesis import (  # noqa: E402
    GENERATOR_PROBS,
    resynthesize,
    resynthesize_with,
)
from deepfake_detector.forging.swap_autoencoder import train_drawers  # noqa: E402
from deepfake_detector.forging.video_forger import Donor, read_donor  # noqa: E402
from deepfake_detector.video.reading import read_frames  # noqa: E402

VIDEOS = DOCS.parent / "data/videos"
FACES = {  # left, top and side of the crop in frame 0, and left and top of what is enlarged
    "call_2.mp4": (30, 80, 200, (36, 70)),
    "franck_3.mp4": (110, 65, 200, (40, 60)),
}
PAIR, SHOWN_FRAMES, SHOWN_PX = ("langer_1.mp4", "franck_2.mp4"), (0, 15, 30, 45, 60, 75), 150
METHODS = tuple(ForgingMethods.model_fields)
EYE_PX, QUALITY, SEED, LATER = 50, 85, 3, 20
GAP_PX, WHITE, INK = 4, (255, 255, 255), (51, 39, 29)


def main() -> None:
    faces = {name: read_face(name, *place[:3]) for name, place in FACES.items()}
    rows = [
        np.hstack([draw_face(face, FACES[name][3]) for face in redraw(name, faces[name])])
        for name in faces
    ]
    write_sheet("forging_resynthesis.jpg", list(GENERATOR_PROBS), rows)
    rows = []
    for (name, place), other in zip(FACES.items(), reversed(FACES), strict=True):
        later = read_face(name, *place[:3], number=LATER)
        fakes = forge_by_all(faces[name].image, faces[name], later, faces[other])
        rows.append(np.hstack([draw_change(fake, real) for real, fake in fakes]))
    write_sheet("forging_methods.jpg", list(METHODS), rows)
    sheet = np.vstack(draw_autoencoder_swaps())
    path = str(DOCS / "images/forging_autoencoder.jpg")
    cv2.imwrite(path, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def write_sheet(name: str, titles: list[str], rows: list[np.ndarray]) -> None:
    """Write rows of pictures under their titles, the first of which is `real`."""
    sheet = np.vstack([draw_titles(["real", *titles], rows[0].shape[1]), *rows])
    path = str(DOCS / "images" / name)
    cv2.imwrite(path, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def read_face(name: str, left: int, top: int, side: int, number: int = 0) -> LandmarkedFace:
    """Read a face, as it was filmed, and its landmarks."""
    _, frame = next(itertools.islice(read_frames(VIDEOS / name), number, None))
    image = np.ascontiguousarray(frame[top : top + side, left : left + side])
    landmarks, _ = FaceLandmarker(threads=1).find([image])
    return LandmarkedFace(image, landmarks[0])


def redraw(name: str, face: LandmarkedFace) -> list[np.ndarray]:
    """Return a face as it was filmed, and as each kind of generator makes it."""
    generator = np.random.default_rng(len(name) + 1)
    return [
        face.image,
        *(resynthesize_with(kind, face.image, generator) for kind in GENERATOR_PROBS),
    ]


def forge_by_all(
    image: np.ndarray, face: LandmarkedFace, later: LandmarkedFace, other: LandmarkedFace
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the real face twice, and the real face and its fake of each of `METHODS`."""
    made = [(image, image)]
    for number, method in enumerate(METHODS):
        generator = np.random.default_rng([SEED, number])
        if method == "matched_person":
            made.append(swap_by_landmarks(face, other, generator))
        elif method == "expression_warp":
            warped = warp_expression(image, face.landmarks, generator)
            made.append(blend_under_mask(face, warped, generator))
        elif method == "resynthesis":
            made.append((image, resynthesize(image, generator)))
        else:
            partner = {"self_blend": None, "other_frame": later, "other_person": other}[method]
            made.append(blend_by_landmarks(face, partner, generator))
    return made


def draw_autoencoder_swaps() -> list[np.ndarray]:
    """Train an autoencoder on `PAIR`; draw each person in a row, swapped for the other below."""
    params = load_params()
    detector = MTCNNFaceDetector(params.annotate.min_face_px)
    settings = params.annotate.confidence, params.forge.smoothing_frames
    people = [read_donor(VIDEOS / name, detector, *settings) for name in PAIR]
    cuts = [
        cut_faces(zip(person.crops, person.landmarks, strict=True), name)
        for person, name in zip(people, PAIR, strict=True)
    ]
    drawers = train_drawers(tuple(cuts), params.forge.autoencoder_steps, [params.seed])
    return [
        draw_swaps(person, drawer.draw, params.forge.feather)
        for person, drawer in zip(people, reversed(drawers), strict=True)
    ]


def draw_swaps(
    person: Donor, draw: Callable[[np.ndarray], np.ndarray], feather: float
) -> np.ndarray:
    """Draw a row of a person's faces, and below each the one that `draw` makes of it."""
    swap = make_autoencoder_swap(draw, feather)
    columns = []
    for number in SHOWN_FRAMES:
        real, landmarks = person.crops[number], person.landmarks[number]
        pictures = real, swap(real, landmarks, number)
        size = SHOWN_PX, SHOWN_PX
        columns.append(
            frame_pictures(*(cv2.resize(p, size, None, 0, 0, cv2.INTER_AREA) for p in pictures))
        )
    return np.hstack(columns)


def draw_change(fake: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Draw a fake above what it differs by from the real face."""
    change = np.clip(np.abs(fake.astype(int) - real) * 4, 0, 255).astype(np.uint8)
    return frame_pictures(fake, change)


def draw_face(face: np.ndarray, eye: tuple[int, int]) -> np.ndarray:
    """Draw a face above what is enlarged of it."""
    left, top = eye
    part = face[top : top + EYE_PX, left : left + EYE_PX]
    part = cv2.resize(part, face.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return frame_pictures(face, part)


def frame_pictures(*pictures: np.ndarray) -> np.ndarray:
    """Put pictures one above the other, with white between them."""
    gap = [0, GAP_PX, 0, GAP_PX]
    return np.vstack(
        [cv2.copyMakeBorder(p, *gap, cv2.BORDER_CONSTANT, value=WHITE) for p in pictures]
    )


def draw_titles(titles: list[str], width_px: int) -> np.ndarray:
    """Draw the names above the columns."""
    strip = np.full((24, width_px, 3), 255, np.uint8)
    for number, title in enumerate(titles):
        place = (4 + number * width_px // len(titles), 17)
        cv2.putText(strip, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return strip


if __name__ == "__main__":
    main()
