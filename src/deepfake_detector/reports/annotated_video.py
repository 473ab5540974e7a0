"""The second reading of a video: faces drawn on every frame, and the frames that were picked."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.faces.crops import cut_face
from deepfake_detector.inference.analysis import Progress, VideoAnalysis
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.highlights import Highlight
from deepfake_detector.reports.track_interpolation import TrackInterpolator
from deepfake_detector.video.frame_reader import FrameReader
from deepfake_detector.video.writing import write_timed_video

CROP_SCALE = 1.3  # side of a shown crop over the longer side of the face
CROP_PX = 160
ENCODING = {"crf": "23", "preset": "veryfast"}


@dataclass
class HighlightImages:
    """What the picked frames showed: the crop of each pick, and whole frames where asked for."""

    crops: dict[tuple[int, int], np.ndarray]
    frames: dict[int, np.ndarray]


def draw_video(
    analysis: VideoAnalysis,
    target: Path,
    highlights: list[Highlight],
    whole: set[int],
    truth: pd.DataFrame | None,
    progress: Progress,
) -> HighlightImages:
    """Write an analyzed video with its faces drawn, and collect what the picked frames show.

    Args:
        whole: numbers of frames to keep whole.
        truth: annotated faces, with their `frame`, drawn in green; or None.

    Returns:
        Crops by track and frame.
    """
    highlight_images = HighlightImages({}, {})
    interpolator = TrackInterpolator(analysis.tracks, analysis.frames.stride)
    reader = FrameReader(analysis.path, analysis.packets, decoder=analysis.decoder)

    def draw() -> Iterator[tuple[float, np.ndarray]]:
        for batch in reader.read(lambda number: True):
            for frame in batch:
                collect_faces(frame.number, frame.image, highlights, whole, highlight_images)
                own_truth = None if truth is None else truth[truth["frame"] == frame.number]
                drawn = draw_faces(frame.image, interpolator.find(frame.number), own_truth)
                yield frame.seconds, drawn
            progress("drawing", batch[-1].number + 1)

    with closing(draw()) as frames:  # so that after an error nothing decodes any more
        write_timed_video(target, frames, analysis.packets.fps, ENCODING)
    return highlight_images


def read_highlights(
    analysis: VideoAnalysis, highlights: list[Highlight], whole: set[int]
) -> HighlightImages:
    """Collect what the picked frames of a video show, as `draw_video` does, and draw nothing."""
    highlight_images = HighlightImages({}, {})
    wanted = whole | {highlight.frame for highlight in highlights}
    if not wanted:
        return highlight_images
    reader = FrameReader(analysis.path, analysis.packets, decoder=analysis.decoder)
    for batch in reader.read(wanted.__contains__):
        for frame in batch:
            collect_faces(frame.number, frame.image, highlights, whole, highlight_images)
    return highlight_images


def collect_faces(
    number: int,
    image: np.ndarray,
    highlights: list[Highlight],
    whole: set[int],
    highlight_images: HighlightImages,
) -> None:
    """Add to `highlight_images` what frame `number` shows."""
    for highlight in highlights:
        if highlight.frame == number:
            crop = cut_face(image, highlight.box_px, CROP_SCALE, CROP_PX)
            highlight_images.crops[highlight.track, highlight.frame] = crop
    if number in whole:
        highlight_images.frames[number] = image
