"""Everything made of one video or image: verdict.json, report.html and the annotated picture."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.files import write_json, write_text
from deepfake_detector.inference.analysis import Progress, VideoAnalysis, ignore_progress
from deepfake_detector.inference.detector import Detector
from deepfake_detector.inference.model_folders.model_files import LoadedModel
from deepfake_detector.inference.occlusion import cut_box, measure_occlusion
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.annotated_video import (
    HighlightImages,
    collect_faces,
    draw_video,
    read_highlights,
)
from deepfake_detector.reports.highlights import Highlight, choose_highlights
from deepfake_detector.reports.html import render_report
from deepfake_detector.reports.track_interpolation import TrackInterpolator
from deepfake_detector.reports.verdict_json import make_record
from deepfake_detector.video.images import write_image

ANNOTATED_VIDEO = "annotated.mp4"
ANNOTATED_IMAGE = "annotated.jpg"


@dataclass(frozen=True)
class Drawing:
    """What is drawn: whether a video and its heat maps are, which take longer than judging it, and
    its annotated faces with their `frame`, in green."""

    has_video: bool = True
    truth: pd.DataFrame | None = None


def write_report(
    analysis: VideoAnalysis,
    model: LoadedModel,
    out: Path,
    drawing: Drawing = Drawing(),
    progress: Progress = ignore_progress,
) -> dict:
    """Write verdict.json, report.html and annotated.mp4 or annotated.jpg into `out`.

    Args:
        analysis: of a file, which is still there.
        model: what it was analyzed with.
        drawing: what of a video is drawn.

    Returns:
        What verdict.json holds, but for its times.
    """
    record = make_record(analysis, model)
    suspicious, ordinary = choose_highlights(analysis.tracks, model.calibration.usable)
    out.mkdir(parents=True, exist_ok=True)
    highlight_images = _draw(analysis, (suspicious, ordinary), out, drawing, progress)
    strips = {"Most suspicious faces": suspicious, "Most ordinary faces": ordinary}
    mapped = {"The most suspicious face": suspicious, "The most ordinary face": ordinary}
    if analysis.image is None and not drawing.has_video:
        mapped = {}
    else:
        progress("explaining", analysis.frames.read)
    heat_maps = [
        _map_occlusion(title, highlights[0], highlight_images, model.detector)
        for title, highlights in mapped.items()
        if highlights
    ]
    report = render_report(record, strips, highlight_images, heat_maps)
    write_text(report, out / "report.html")
    seconds_taken = (datetime.now(UTC) - analysis.started).total_seconds()
    times = {
        "started": analysis.started.isoformat(timespec="seconds"),
        "seconds_taken": round(seconds_taken, 1),
    }
    write_json({**record, "times": times}, out / "verdict.json")
    return record


def _draw(
    analysis: VideoAnalysis,
    highlights: tuple[list[Highlight], list[Highlight]],
    out: Path,
    drawing: Drawing,
    progress: Progress,
) -> HighlightImages:
    """Write the annotated video, if it is wanted, or image; collect what its highlights show."""
    suspicious, ordinary = highlights
    whole = {highlight.frame for highlight in suspicious[:1] + ordinary[:1]}
    if analysis.image is None and not drawing.has_video:
        (out / ANNOTATED_VIDEO).unlink(missing_ok=True)  # of an earlier run
        return read_highlights(analysis, suspicious + ordinary, whole)
    if analysis.image is None:
        target = out / ANNOTATED_VIDEO
        return draw_video(analysis, target, suspicious + ordinary, whole, drawing.truth, progress)
    highlight_images = HighlightImages({}, {})
    collect_faces(0, analysis.image, suspicious + ordinary, whole, highlight_images)
    drawn = draw_faces(analysis.image, TrackInterpolator(analysis.tracks, 1).find(0))
    write_image(out / ANNOTATED_IMAGE, drawn)
    return highlight_images


def _map_occlusion(
    title: str, highlight: Highlight, highlight_images: HighlightImages, detector: Detector
) -> tuple[str, np.ndarray, np.ndarray]:
    frame = highlight_images.frames[highlight.frame]
    face = cut_box(frame, highlight.box_px)
    sensitivity = measure_occlusion(detector, frame, highlight.box_px)
    return f"{title} (face {highlight.track}, frame {highlight.frame})", face, sensitivity
