"""One annotated video compared with the faces that are found in it; in a process of its own."""

import io
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import write_bytes
from deepfake_detector.common.parallel import add_progress
from deepfake_detector.data.annotation_timing.followed_faces import (
    FollowedFace,
    choose_centers,
    find_and_follow,
    find_faces,
)
from deepfake_detector.data.annotation_timing.shift_search import (
    MIN_FACES,
    ShiftCurve,
    measure_shifts,
)
from deepfake_detector.data.annotation_timing.uncovered_frames import (
    Stretch,
    find_uncovered,
    list_looks,
)
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector
from deepfake_detector.plots.face_boxes import outline_boxes
from deepfake_detector.video.images import decode_image, encode_jpeg
from deepfake_detector.video.reading import read_frames

MIN_SHIFT = 2
"""Frames; detectors and people who smooth or interpolate boxes are off by one."""

MIN_SURENESS = 2.8
"""Standard deviations by which other shifts are worse than that of an aligned video."""

MIN_SURENESS_OF_SHIFT, MIN_SURENESS_OF_FRAME = 3.5, 2.0
"""Standard deviations by which no shift is worse than the one that is named, and others are."""

ALIGNED, SHIFTED, UNDECIDABLE = "aligned", "shifted", "undecidable"

_SHEET_WIDTH_PX = 200
_JPEG_QUALITY = 70


@dataclass(frozen=True)
class AlignmentTask:
    """An annotated video, and how faces are looked for in it.

    Attributes:
        frames: of the video.
        annotations: `frame`, box in px, `face`.
        face_px: side of the smaller ones of its annotated faces.
        min_face_px: of the face detector.
        found: file of what was found, which is read where it is there.
    """

    path: Path
    frames: int
    annotations: pd.DataFrame
    face_px: int
    min_face_px: int
    found: Path


@dataclass(frozen=True)
class VideoAlignment:
    """How the annotations of a video fit.

    Attributes:
        status: `aligned`, `shifted` or `undecidable`.
        shift: to be added to the frames of the annotations; of an aligned video at most one.
        sureness: of that shift over none, in standard deviations; of an aligned video, of the best
            shift over those not next to it.
        reason: of what is undecidable.
        uncovered: stretches that show a face and are not annotated.
        sheet: JPEG images of frames with annotated and found faces, and their numbers.
        problem: why the video cannot be read; else empty.
    """

    video: str
    status: str
    shift: int = 0
    sureness: float = 0.0
    reason: str = ""
    uncovered: list[Stretch] = field(default_factory=list)
    sheet: list[tuple[int, bytes]] = field(default_factory=list)
    problem: str = ""


def check_video(task: AlignmentTask) -> VideoAlignment:
    """Look for faces in some frames of a video, and compare them with its annotations."""
    try:
        return _check(task)
    except ValueError as error:
        return VideoAlignment(task.path.name, UNDECIDABLE, problem=str(error))
    finally:
        add_progress(1)


def decide(curve: ShiftCurve) -> tuple[str, int, float, str]:
    """Decide from the errors at all shifts: status, shift, sureness, reason.

    A best shift of one frame is not named. A video is undecidable where the face hardly moves.
    """
    if curve.best is None:
        return UNDECIDABLE, 0, 0.0, f"only {curve.faces} faces to compare, {MIN_FACES} are needed"
    is_off = abs(curve.best) >= MIN_SHIFT and curve.sureness_of_best >= MIN_SURENESS_OF_SHIFT
    if is_off and curve.sureness_of_others >= MIN_SURENESS_OF_FRAME:
        return SHIFTED, curve.best, curve.sureness_of_best, ""
    if curve.sureness_of_others < MIN_SURENESS or abs(curve.best) >= MIN_SHIFT:
        return UNDECIDABLE, 0, 0.0, "the face hardly moves, several shifts fit alike"
    return ALIGNED, curve.best, curve.sureness_of_others, ""


def make_task(
    path: Path, row, annotations: pd.DataFrame, min_face_px: int, cache: Path
) -> AlignmentTask:
    """Decide how faces are looked for in a video.

    Args:
        row: of the video, with `frames` and `sha256`.
        min_face_px: of the face detector.
        cache: folder of what was found, by all that it depends on.
    """
    sides = annotations[["right", "bottom"]].to_numpy() - annotations[["left", "top"]].to_numpy()
    face_px = max(10, round(float(np.percentile(sides.min(axis=1), 5)), -1))
    found = cache / f"{row.sha256[:20]}_{face_px:.0f}_{min_face_px}.npz"
    return AlignmentTask(path, int(row.frames), annotations, int(face_px), min_face_px, found)


def _check(task: AlignmentTask) -> VideoAlignment:
    if not task.found.is_file():
        centers = choose_centers(task.frames)
        detector = _make_detector(task.min_face_px)
        _write_found(*find_and_follow(task.path, centers, detector, task.face_px), task.found)
    faces, images = _read_found(task.found)
    status, shift, sureness, reason = decide(measure_shifts(task.annotations, faces))
    uncovered = _find_uncovered(task)
    sheet = [
        (number, _draw(image, task.annotations, number, faces)) for number, image in images.items()
    ]
    return VideoAlignment(task.path.name, status, shift, sureness, reason, uncovered, sheet)


def _find_uncovered(task: AlignmentTask) -> list[Stretch]:
    annotated = set(task.annotations["frame"])
    wanted = {frame for *_, looks in list_looks(annotated, task.frames) for frame in looks}
    if not wanted:
        return []
    detector, seen = _make_detector(task.min_face_px), set()
    for number, image in read_frames(task.path, threads=1):
        if number in wanted:
            seen |= {number} if find_faces(image, detector, task.face_px) else set()
        if number >= max(wanted):
            break
    return find_uncovered(annotated, task.frames, seen.__contains__)


def _write_found(faces: list[FollowedFace], images: dict[int, np.ndarray], path: Path) -> None:
    """Write followed faces, one row a box, and the frames they were found in as JPEG."""
    rows = [
        [number, face.center, face.first, face.confidence, *box]
        for number, face in enumerate(faces)
        for box in face.boxes_px
    ]
    jpegs = {
        f"image_{number}": np.frombuffer(encode_jpeg(image, _JPEG_QUALITY), np.uint8)
        for number, image in images.items()
    }
    buffer = io.BytesIO()
    np.savez(buffer, faces=np.array(rows, float).reshape(-1, 8), **jpegs)
    write_bytes(buffer.getvalue(), path)


def _read_found(path: Path) -> tuple[list[FollowedFace], dict[int, np.ndarray]]:
    with np.load(path) as found:
        rows = found["faces"]
        images = {
            int(name.removeprefix("image_")): decode_image(found[name].tobytes())
            for name in found.files
            if name.startswith("image_")
        }
    faces = []
    for number in np.unique(rows[:, 0]):
        mine = rows[rows[:, 0] == number]
        center, first, confidence = mine[0, 1:4].tolist()
        faces.append(FollowedFace(int(center), int(first), mine[:, 4:], confidence))
    return faces, images


@lru_cache(maxsize=1)
def _make_detector(min_face_px: int) -> MTCNNFaceDetector:
    """Make the face detector of this process, once: it takes ten seconds."""
    return MTCNNFaceDetector(min_face_px)


def _draw(
    image: np.ndarray, annotations: pd.DataFrame, number: int, faces: list[FollowedFace]
) -> bytes:
    """Draw the annotated faces of a frame (green) over those found (white), small."""
    rows = annotations.loc[annotations["frame"] == number, BOX].to_numpy(float)
    found = [face.boxes_px[number - face.first] for face in faces if face.center == number]
    drawn = outline_boxes(image, np.array(found).reshape(-1, 4), rows, _SHEET_WIDTH_PX)
    return encode_jpeg(drawn, _JPEG_QUALITY)
