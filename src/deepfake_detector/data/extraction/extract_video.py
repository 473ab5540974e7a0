"""From a video to its shard: kept frames, shrunk, as JPEG, with the faces in them.

Each face is kept a second time as a crop of the frame as it was filmed: the traces of a forgery
are finer than what a shrunk frame shows. Beside each crop stand the landmarks of its face.

A shard is made again only if what it depends on has changed: its fingerprint is the video's
content, its faces, the frames left out, the parameters and the versions of the format and of what
decodes.
"""

import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import hash_file
from deepfake_detector.common.labels import name_to_label
from deepfake_detector.common.parallel import add_progress
from deepfake_detector.config.schema import ExtractFramesParams
from deepfake_detector.data.frame_records import (
    FORMAT_VERSION,
    FrameRecord,
    make_shard_path,
    write_shard,
)
from deepfake_detector.faces.crops import cut_inside, make_inner_window
from deepfake_detector.faces.landmarks import MIN_PRESENCE, MODEL_SHA256, FaceLandmarker
from deepfake_detector.video.images import encode_jpeg
from deepfake_detector.video.reading import read_frames


@dataclass(frozen=True)
class Extraction:
    """What a shard is made from: a video, the faces in it, and frames that are left out."""

    path: Path
    sha256: str
    frames: int
    width_px: int
    height_px: int
    faces: pd.DataFrame
    ignored_frames: frozenset[int]
    params: ExtractFramesParams

    @property
    def video(self) -> str:
        return self.path.name

    def list_kept(self) -> list[int]:
        """List the frames that are kept, with faces and without."""
        frame_stride = range(0, self.frames, self.params.frame_stride)
        return [frame for frame in frame_stride if frame not in self.ignored_frames]

    def count_faces(self) -> list[int]:
        """Count the faces in each kept frame."""
        counts = self.faces["frame"].value_counts()
        return [int(counts.get(frame, 0)) for frame in self.list_kept()]

    def compute_fingerprint(self) -> str:
        """Compute what changes when the shard would."""
        faces = self.faces[["frame", *BOX, "label"]].to_csv(index=False)
        parts = [
            self.video,
            self.sha256,
            faces,
            sorted(self.ignored_frames),
            self.params.model_dump(),
        ]
        versions = [FORMAT_VERSION, cv2.__version__, av.__version__]
        if self.params.landmarks:
            versions += [MODEL_SHA256, metadata.version("onnxruntime")]
        return hashlib.sha256(json.dumps([parts, versions]).encode()).hexdigest()


def extract_video(item: tuple[Extraction, Path]) -> str:
    """Write the shard of a video into a folder; give why its content forbids it, or nothing.

    Raises:
        OSError: trouble of the machine, which says nothing about the video.
    """
    extraction, folder = item
    try:
        if not extraction.list_kept():
            raise ValueError(
                f"{extraction.video}: no frame is kept; lower extract_frames.frame_stride, or "
                "correct its annotations"
            )
        if hash_file(extraction.path) != extraction.sha256:
            raise ValueError(f"{extraction.video}: changed since validate; run dvc repro again")
        path = make_shard_path(folder, extraction.video)
        write_shard(path, _make_records(extraction))
    except ValueError as error:
        return str(error)
    return ""


def _make_records(extraction: Extraction) -> Iterator[FrameRecord]:
    cv2.setNumThreads(1)
    by_frame = dict(iter(extraction.faces.groupby("frame")))
    nothing = extraction.faces.iloc[:0]
    reached = 0
    for frame, image in read_frames(extraction.path, extraction.params.frame_stride, threads=1):
        add_progress(frame - reached)
        reached = frame
        if frame not in extraction.ignored_frames:
            yield _make_record(extraction, frame, image, by_frame.get(frame, nothing))
    add_progress(extraction.frames - reached)


def _make_record(
    extraction: Extraction, frame: int, image: np.ndarray, faces: pd.DataFrame
) -> FrameRecord:
    height_px, width_px = image.shape[:2]
    if (width_px, height_px) != (extraction.width_px, extraction.height_px):
        raise ValueError(f"{extraction.video}: frame {frame} is {width_px}x{height_px} px")
    sizes_px = np.array([width_px, height_px, width_px, height_px])
    boxes_px, params = faces[BOX].to_numpy(float), extraction.params
    windows = [make_inner_window(box, params.crop_scale, width_px, height_px) for box in boxes_px]
    crops = [_shrink(cut_inside(image, window), params.crop_max_side_px) for window in windows]
    windows_px = np.array(windows).reshape(-1, 4)  # [N, 4], also without faces
    return FrameRecord(
        jpeg=encode_jpeg(_shrink(image, params.max_side_px), params.jpeg_quality),
        boxes=boxes_px / sizes_px,
        crops=[encode_jpeg(crop, params.jpeg_quality) for crop in crops],
        windows=windows_px / sizes_px,
        labels=np.array([name_to_label(name) for name in faces["label"]], np.int64),
        video=extraction.video,
        frame=frame,
        width_px=width_px,
        height_px=height_px,
        landmarks=_find_landmarks(crops, windows_px, boxes_px) if params.landmarks else None,
    )


def _find_landmarks(
    crops: list[np.ndarray], windows_px: np.ndarray, boxes_px: np.ndarray
) -> np.ndarray:
    """Find landmarks [N, 468, 2] in fractions of each crop; NaN where there seems to be no face.

    Args:
        windows_px: [N, 4], what each crop shows of the frame.
        boxes_px: [N, 4], of the faces in the frame.
    """
    sizes = np.array([crop.shape[1::-1] for crop in crops]).reshape(-1, 2)  # [N, 2]
    zooms = sizes / (windows_px[:, 2:] - windows_px[:, :2])
    in_crops = (boxes_px - np.tile(windows_px[:, :2], 2)) * np.tile(zooms, 2)  # [N, 4]
    landmarks, presence = _load_landmarker().find_in_boxes(crops, in_crops)
    landmarks[presence < MIN_PRESENCE] = np.nan
    return landmarks / sizes[:, None]  # [N, 468, 2]


@functools.cache
def _load_landmarker() -> FaceLandmarker:
    return FaceLandmarker(threads=1)  # there are as many processes as cores


def _shrink(image: np.ndarray, max_side_px: int) -> np.ndarray:
    """Shrink an RGB image [H, W, 3] to the longest side; never enlarge it."""
    shrinkage = max_side_px / max(image.shape[:2])
    if shrinkage >= 1:
        return image
    height_px, width_px = (max(1, round(side * shrinkage)) for side in image.shape[:2])
    return cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_AREA)
