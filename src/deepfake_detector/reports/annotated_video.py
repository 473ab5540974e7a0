"""The second reading of a video: faces drawn on every frame, and the frames that were picked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.faces.crops import cut_face
from deepfake_detector.inference.analysis import Watched
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.highlights import Pick
from deepfake_detector.reports.track_interpolation import FacePlaces
from deepfake_detector.video.clips import read_header, write_timed_video
from deepfake_detector.video.frame_reader import FrameReader

REACH = 1.3  # side of a shown crop over the longer side of the face
CROP_PX = 160
ENCODING = {"crf": "23", "preset": "veryfast"}


@dataclass
class PickedFaces:
    """What the picked frames showed: the crop of each pick, and whole frames where asked for."""

    crops: dict[tuple[int, int], np.ndarray]
    frames: dict[int, np.ndarray]


def draw_video(
    source: Path,
    target: Path,
    watched: Watched,
    picks: list[Pick],
    whole: set[int],
    truth: pd.DataFrame | None,
) -> PickedFaces:
    """Write a video with its faces drawn, and collect what the picked frames show.

    Args:
        whole: numbers of frames to keep whole.
        truth: annotated faces, with their `frame`, drawn in green; or None.

    Returns:
        Crops by track and frame.
    """
    picked = PickedFaces({}, {})
    places = FacePlaces(watched.tracks, watched.every)

    def draw() -> Iterator[tuple[float, np.ndarray]]:
        for frame in _read_all(source):
            collect_faces(frame.number, frame.image, picks, whole, picked)
            own_truth = None if truth is None else truth[truth["frame"] == frame.number]
            drawn = draw_faces(frame.image, places.find(frame.number), own_truth)
            yield frame.seconds, drawn

    write_timed_video(target, draw(), read_header(source)[0], ENCODING)
    return picked


def _read_all(source: Path):
    for batch in FrameReader(source).read(lambda number: True):
        yield from batch


def collect_faces(
    number: int, image: np.ndarray, picks: list[Pick], whole: set[int], picked: PickedFaces
) -> None:
    """Add to `picked` what frame `number` shows."""
    for pick in picks:
        if pick.frame == number:
            crop = cut_face(image, pick.box_px, REACH, CROP_PX)
            picked.crops[pick.track, pick.frame] = crop
    if number in whole:
        picked.frames[number] = image
