"""Everything made of one video or image: verdict.json, report.html and the drawn picture."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import pandas as pd

from deepfake_detector.common.files import write_json, write_text
from deepfake_detector.inference.analysis import (
    Expert,
    VideoAnalysis,
    analyze_image,
    analyze_video,
    judge_watched,
)
from deepfake_detector.inference.occlusion import cut_box, measure_occlusion
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.annotated_video import HighlightImages, collect_faces, draw_video
from deepfake_detector.reports.highlights import Highlight, choose_highlights
from deepfake_detector.reports.html import render_report
from deepfake_detector.reports.track_interpolation import TrackInterpolator
from deepfake_detector.reports.verdict_json import (
    SCHEMA,
    count_frames,
    decision_to_json,
    hash_file,
    make_record,
)
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.video.sampling import Sampler

DRAWN_VIDEO = "annotated.mp4"
DRAWN_IMAGE = "annotated.jpg"


@dataclass(frozen=True)
class ReportWriter:
    """Judges videos and images, and writes down what was found.

    Attributes:
        hashes: the SHA-256 of the files that the expert was made of.
        on_progress: called with a word for what is being done, and the frames read so far.
    """

    predictor: Expert
    hashes: dict
    on_progress: Callable[[str, int], None] = lambda phase, frames: None

    @property
    def calibration(self) -> Calibration:
        return self.predictor.calibration

    def decide_video(
        self,
        path: Path,
        sampler: Sampler,
        out: Path,
        max_seconds: float | None = None,
        truth: pd.DataFrame | None = None,
    ) -> tuple[dict, VideoAnalysis]:
        """Decide on a video and write verdict.json, report.html and annotated.mp4 into `out`.

        Returns:
            What verdict.json holds, and what was seen.

        Raises:
            ValueError: it cannot be read at all, or is longer than `max_seconds`.
        """
        begun, clock = datetime.now(UTC), perf_counter()
        analysis = analyze_video(
            path,
            self.predictor,
            sampler,
            max_seconds,
            lambda count: self.on_progress("looking", count),
        )
        record = self._make_record(path, analysis, count_frames(analysis, path))
        suspicious, ordinary = choose_highlights(analysis.tracks, self.calibration.usable)
        mapped = suspicious[:1] + ordinary[:1]
        whole = {highlight.frame for highlight in mapped}
        self.on_progress("drawing", analysis.frames_read)
        out.mkdir(parents=True, exist_ok=True)
        highlights = suspicious + ordinary
        highlight_images = draw_video(path, out / DRAWN_VIDEO, analysis, highlights, whole, truth)
        self._write(record, (suspicious, ordinary), highlight_images, out, (begun, clock))
        return record, analysis

    def judge_image(self, path: Path, image: np.ndarray, out: Path) -> tuple[dict, VideoAnalysis]:
        """Decide on an image, uint8 RGB [H, W, 3], as a video of one frame; `path` is its file."""
        begun, clock = datetime.now(UTC), perf_counter()
        analysis = analyze_image(image, self.predictor)
        record = self._make_record(path, analysis, count_frames(analysis, path))
        suspicious, ordinary = choose_highlights(analysis.tracks, self.calibration.usable)
        highlight_images = HighlightImages({}, {})
        collect_faces(0, image, suspicious + ordinary, {0}, highlight_images)
        out.mkdir(parents=True, exist_ok=True)
        drawn = draw_faces(image, TrackInterpolator(analysis.tracks, 1).find(0))
        cv2.imwrite(str(out / DRAWN_IMAGE), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        self._write(record, (suspicious, ordinary), highlight_images, out, (begun, clock))
        return record, analysis

    def _make_record(self, path: Path, analysis: VideoAnalysis, frames: dict) -> dict:
        verdict = judge_watched(analysis, self.calibration)
        return {
            "schema": SCHEMA,
            "file": path.name,
            **decision_to_json(verdict.video),
            "file_sha256": hash_file(path),
            "frames": frames,
            "model": self.hashes,
            **make_record(analysis, verdict, self.calibration),
        }

    def _write(
        self, record: dict, rows_of_images: tuple[list[Highlight], list[Highlight]], highlight_images: HighlightImages, out: Path,
        begun: tuple[datetime, float],
    ) -> None:  # fmt: skip
        self.on_progress("explaining", record["frames"]["read"])
        suspicious, ordinary = rows_of_images
        titles = {"Most suspicious faces": suspicious, "Most ordinary faces": ordinary}
        mapped = {"The most suspicious face": suspicious, "The most ordinary face": ordinary}
        maps = [
            self._map(title, highlights[0], highlight_images)
            for title, highlights in mapped.items()
            if highlights
        ]
        write_text(render_report(record, titles, highlight_images, maps), out / "report.html")
        started, clock = begun
        times = {
            "started": started.isoformat(timespec="seconds"),
            "seconds_taken": round(perf_counter() - clock, 1),
        }
        write_json({**record, "times": times}, out / "verdict.json")

    def _map(self, title: str, highlight: Highlight, highlight_images: HighlightImages) -> tuple:
        frame = highlight_images.frames[highlight.frame]
        face = cut_box(frame, highlight.box_px)
        sensitivity = measure_occlusion(self.predictor.detector, frame, highlight.box_px)
        return f"{title} (face {highlight.track}, frame {highlight.frame})", face, sensitivity
