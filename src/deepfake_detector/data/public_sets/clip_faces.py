"""The faces of one clip of a public data set, found and labelled; in processes of their own."""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import write_text
from deepfake_detector.common.parallel import add_progress
from deepfake_detector.config.schema import AnnotateParams
from deepfake_detector.data.public_sets.changed_faces import find_changed_faces
from deepfake_detector.data.public_sets.clip import Clip
from deepfake_detector.faces.mtcnn import MTCNNFaceDetector, track_faces
from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.video.reading import read_frames

COLUMNS = ["video", "frame", *BOX, "label", "face"]


@dataclass(frozen=True)
class ClipTask:
    """A clip, where its rows go, and how faces are found."""

    clip: Clip
    part: Path
    params: AnnotateParams


@dataclass(frozen=True)
class ClipResult:
    """What was found in a clip.

    Attributes:
        faces: tracks.
        is_unsure: several faces, and it could not be told which of them is forged.
        problem: why it cannot be read; empty where it can.
    """

    video: str
    faces: int
    is_unsure: bool = False
    problem: str = ""


def make_part_path(folder: Path, clip: Clip, params: AnnotateParams) -> Path:
    """Name the file of a clip's rows after all that they depend on, so that it is never stale."""
    depends = [clip.path, clip.original] if clip.original else [clip.path]
    sizes = [(str(path), path.stat().st_size) for path in depends]
    key = json.dumps([sizes, clip.video, clip.label, params.model_dump()])
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"


def annotate_clip(task: ClipTask) -> ClipResult:
    """Find, follow and label the faces of a clip and write them, unless that was done before."""
    try:
        if not task.part.is_file():
            _write_part(task)
        return ClipResult(**json.loads(task.part.read_text(encoding="utf-8"))["result"])
    except (ValueError, FileNotFoundError) as error:  # others are the machine's
        return ClipResult(task.clip.video, 0, problem=f"{task.clip.path}: {error}")
    finally:
        add_progress(1)


def read_part(part: Path) -> pd.DataFrame:
    """Read the rows that were written of a clip, `COLUMNS`."""
    return pd.DataFrame(json.loads(part.read_text(encoding="utf-8"))["rows"], columns=COLUMNS)


def _write_part(task: ClipTask) -> None:
    clip, params = task.clip, task.params
    frames, tracks = track_faces(
        read_frames(clip.path, threads=1),
        _make_detector(params.min_face_px),
        params.frame_stride,
        params.confidence,
        params.smoothing_frames,
    )
    labels, is_unsure = _label_tracks(clip, tracks, frames)
    rows = [
        [clip.video, frame, *np.round(box, 2).tolist(), label, str(face)]
        for face, (track, label) in enumerate(zip(tracks, labels, strict=True))
        for frame, box in zip(track.frames, track.boxes_px, strict=True)
    ]
    result = ClipResult(clip.video, len(tracks), is_unsure)
    write_text(json.dumps({"result": asdict(result), "rows": rows}), task.part)


@lru_cache(maxsize=1)
def _make_detector(min_face_px: int) -> MTCNNFaceDetector:
    """Make the face detector of this process, once: it takes ten seconds."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return MTCNNFaceDetector(min_face_px)


def _label_tracks(clip: Clip, tracks: list[Track], frames: int) -> tuple[list[str], bool]:
    """Label the faces of a clip; of a fake only those that differ from its original are fake."""
    if clip.label == "real" or len(tracks) < 2:
        return [clip.label] * len(tracks), False
    changed = None
    if clip.original is not None:
        changed = find_changed_faces(clip.path, clip.original, tracks, frames)
    if changed is None:
        return [clip.label] * len(tracks), True
    return ["fake" if is_changed else "real" for is_changed in changed], False
