"""Videos whose truth is known, and their faces that can be judged.

Shapes: `V` videos.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable


@dataclass(frozen=True)
class LabelledVideo:
    """A video whose truth is known, with its faces.

    `label` is `fake` if any annotated face is, `real` if all are, empty without any; so is
    `track_labels`, one for each of `tracks`, empty where nothing is annotated. `kind` is that of
    the forgery, or of a real video the kind of degraded copy; empty where it is not known.
    """

    video: str
    source: str
    label: str
    tracks: list[FaceTrack]
    track_labels: list[str]
    kind: str = ""


@dataclass(frozen=True)
class LabelledFace:
    """A face that can be judged: the usable fake shares, its place in the list of videos."""

    fake_scores: np.ndarray
    video: int
    label: str
    weight: float  # for the model: the faces of a video with one label count as one


def list_faces(videos: list[LabelledVideo], usable: UsableParams) -> list[LabelledFace]:
    """List the faces that are seen well in enough frames."""
    faces = []
    for index, video in enumerate(videos):
        is_usable = [find_usable(track, usable) for track in video.tracks]
        seen = [
            (track.compute_fake_score()[mask], label)
            for track, mask, label in zip(video.tracks, is_usable, video.track_labels, strict=True)
            if mask.sum() >= usable.min_frames
        ]
        labels = [label for _, label in seen]
        faces += [
            LabelledFace(fake_scores, index, label, 1 / labels.count(label))
            for fake_scores, label in seen
        ]
    return faces
