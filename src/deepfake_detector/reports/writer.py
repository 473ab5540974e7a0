"""Everything made of one video or image: verdict.json, report.html and the drawn picture."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import pandas as pd

from deepfake_detector.common.tables import write_json, write_text
from deepfake_detector.inference.analysis import (
    Expert,
    Watched,
    judge_watched,
    watch_image,
    watch_video,
)
from deepfake_detector.inference.occlusion import cut_box, measure_evidence
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.annotated_video import PickedFaces, collect_faces, draw_video
from deepfake_detector.reports.highlights import Pick, pick_faces
from deepfake_detector.reports.html import make_page
from deepfake_detector.reports.track_interpolation import FacePlaces
from deepfake_detector.reports.verdict_json import (
    SCHEMA,
    count_frames,
    hash_file,
    judgement_to_json,
    make_record,
)
from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.video.sampling import Sampler

DRAWN_VIDEO = "annotated.mp4"
DRAWN_IMAGE = "annotated.jpg"


@dataclass(frozen=True)
class Examiner:
    """Judges videos and images, and writes down what was found.

    Attributes:
        hashes: the SHA-256 of the files that the expert was made of.
        tell: called with a word for what is being done, and the frames read so far.
    """

    expert: Expert
    hashes: dict
    tell: Callable[[str, int], None] = lambda doing, frames: None

    @property
    def calibration(self) -> Calibration:
        return self.expert.calibration

    def judge_video(
        self,
        path: Path,
        sampler: Sampler,
        out: Path,
        longest_seconds: float | None = None,
        truth: pd.DataFrame | None = None,
    ) -> tuple[dict, Watched]:
        """Judge a video and write verdict.json, report.html and annotated.mp4 into `out`.

        Returns:
            What verdict.json holds, and what was seen.

        Raises:
            ValueError: it cannot be read at all, or is longer than `longest_seconds`.
        """
        begun, clock = datetime.now(UTC), perf_counter()
        watched = watch_video(
            path, self.expert, sampler, longest_seconds, lambda count: self.tell("looking", count)
        )
        record = self._make_record(path, watched, count_frames(watched, path))
        suspicious, ordinary = pick_faces(watched.tracks, self.calibration.usable)
        mapped = suspicious[:1] + ordinary[:1]
        whole = {pick.frame for pick in mapped}
        self.tell("drawing", watched.frames_read)
        out.mkdir(parents=True, exist_ok=True)
        picks = suspicious + ordinary
        picked = draw_video(path, out / DRAWN_VIDEO, watched, picks, whole, truth)
        self._write(record, (suspicious, ordinary), picked, out, (begun, clock))
        return record, watched

    def judge_image(self, path: Path, image: np.ndarray, out: Path) -> tuple[dict, Watched]:
        """Judge an image, uint8 RGB [H, W, 3], as a video of one frame; `path` is its file."""
        begun, clock = datetime.now(UTC), perf_counter()
        watched = watch_image(image, self.expert)
        record = self._make_record(path, watched, count_frames(watched, path))
        suspicious, ordinary = pick_faces(watched.tracks, self.calibration.usable)
        picked = PickedFaces({}, {})
        collect_faces(0, image, suspicious + ordinary, {0}, picked)
        out.mkdir(parents=True, exist_ok=True)
        drawn = draw_faces(image, FacePlaces(watched.tracks, 1).find(0))
        cv2.imwrite(str(out / DRAWN_IMAGE), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        self._write(record, (suspicious, ordinary), picked, out, (begun, clock))
        return record, watched

    def _make_record(self, path: Path, watched: Watched, frames: dict) -> dict:
        verdict = judge_watched(watched, self.calibration)
        return {
            "schema": SCHEMA,
            "file": path.name,
            **judgement_to_json(verdict.video),
            "file_sha256": hash_file(path),
            "frames": frames,
            "model": self.hashes,
            **make_record(watched, verdict, self.calibration),
        }

    def _write(
        self, record: dict, strips: tuple[list[Pick], list[Pick]], picked: PickedFaces, out: Path,
        begun: tuple[datetime, float],
    ) -> None:  # fmt: skip
        self.tell("explaining", record["frames"]["read"])
        suspicious, ordinary = strips
        titles = {"Most suspicious faces": suspicious, "Most ordinary faces": ordinary}
        mapped = {"The most suspicious face": suspicious, "The most ordinary face": ordinary}
        maps = [self._map(title, picks[0], picked) for title, picks in mapped.items() if picks]
        write_text(make_page(record, titles, picked, maps), out / "report.html")
        started, clock = begun
        times = {
            "started": started.isoformat(timespec="seconds"),
            "seconds_taken": round(perf_counter() - clock, 1),
        }
        write_json({**record, "times": times}, out / "verdict.json")

    def _map(self, title: str, pick: Pick, picked: PickedFaces) -> tuple:
        frame = picked.frames[pick.frame]
        face = cut_box(frame, pick.box_px)
        evidence = measure_evidence(self.expert.detector, frame, pick.box_px)
        return f"{title} (face {pick.track}, frame {pick.frame})", face, evidence
