"""The annotated faces of videos, each followed through the frames that carry one label.

That is what a person looks at and corrects: a face of a video from one frame to another.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepfake_detector.common.labels import label_to_name
from deepfake_detector.data.loading.crop_index import Crop, list_crops
from deepfake_detector.video.sampling import spread

_TRACK = ["video", "face", "run"]


@dataclass(frozen=True)
class AnnotatedTrack:
    """A face of a video in the frames that carry one label; its crops are spread over them."""

    video: str
    face: str
    first_frame: int
    last_frame: int
    label: str
    crops: list[Crop]


def list_annotated_tracks(
    shards: list[Path], annotations: pd.DataFrame, max_crops: int
) -> list[AnnotatedTrack]:
    """List the tracks that have a crop, in the order of videos, faces and frames.

    Args:
        shards: one a video.
        annotations: what they were made from, `ANNOTATION_COLUMNS`, ordered by video and frame.
        max_crops: of a track.

    Raises:
        ValueError: the shards were made from other annotations.
    """
    faces = _find_runs(annotations)
    place = faces.groupby(["video", "frame"]).cumcount()
    by_place = dict(
        zip(
            zip(faces["video"], faces["frame"], place, strict=True),
            zip(*(faces[name] for name in [*_TRACK, "label"]), strict=True),
            strict=True,
        )
    )
    crops, counts = defaultdict(list), defaultdict(int)
    for crop in list_crops(shards):
        frame = crop.video, crop.frame
        *track, label = by_place.get((*frame, counts[frame]), ("", "", 0, ""))
        counts[frame] += 1
        if label != label_to_name(crop.label):
            raise ValueError(
                f"{crop.path}: made from other annotations; run `dvc repro extract_frames`"
            )
        crops[tuple(track)].append(crop)
    return [
        _make_track(rows, crops[track], max_crops)
        for track, rows in faces.groupby(_TRACK)
        if track in crops
    ]


def _find_runs(annotations: pd.DataFrame) -> pd.DataFrame:
    """Number the stretches of one label of each face, in the order of their frames."""
    by_face = annotations.groupby(["video", "face"])["label"]
    changes = annotations["label"] != by_face.shift()
    return annotations.assign(
        run=changes.astype(int).groupby([annotations["video"], annotations["face"]]).cumsum()
    )


def _make_track(rows: pd.DataFrame, crops: list[Crop], max_crops: int) -> AnnotatedTrack:
    first = rows.iloc[0]
    return AnnotatedTrack(
        first["video"],
        first["face"],
        int(rows["frame"].min()),
        int(rows["frame"].max()),
        first["label"],
        [crops[number] for number in spread(len(crops), max_crops)],
    )
