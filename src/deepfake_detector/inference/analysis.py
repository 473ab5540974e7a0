"""A video or an image analyzed: its faces detected, followed and decided on.

What is kept grows by a few numbers with each face in an analyzed frame, never by pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.config.schema import UsableParams
from deepfake_detector.faces.crops import cut_face
from deepfake_detector.inference.crop_choice import Candidate, CropChooser, fill_scores
from deepfake_detector.inference.detector import FACE_COLUMNS, Detector, detect_in_frames
from deepfake_detector.inference.score_fusion import FAKE_SCORE_COLUMNS, fuse_logits, fuse_scores
from deepfake_detector.inference.small_faces import SmallFaceSearch
from deepfake_detector.verdicts.decision import Verdict
from deepfake_detector.verdicts.face_track import FaceTrack, find_poor_faces
from deepfake_detector.verdicts.frame_aggregation import compute_log_odds
from deepfake_detector.verdicts.track_collector import NOT_FOLLOWED, TrackCollector
from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.frame_reader import Frame
from deepfake_detector.video.packets import PacketScan

Progress = Callable[[str, int], None]
"""Called now and then with a phase (`analyzing`, `looking_closely`, `drawing`, `explaining`) and
the number of frames of the file that are done in it."""


Face = tuple[int, int]
"""A detected face: the number of its frame, and its row there."""


def ignore_progress(phase: str, frames_done: int) -> None:
    """Do nothing, for those who do not wait."""


@dataclass(frozen=True)
class FrameCounts:
    """How much of a file was analyzed.

    Attributes:
        read: decoded frames.
        seconds: the time of each analyzed frame, by its number.
        stride: the distance of analyzed frames, at the end.
        rejected: frames in the file that could not be decoded; at least 1 where it breaks.
        rejected_because: why the file ended before its end; empty where it did not.
        closely: parts of a long video, from and to in seconds, of which more frames were analyzed.
    """

    read: int
    seconds: dict[int, float]
    stride: int
    rejected: int = 0
    rejected_because: str = ""
    closely: tuple[tuple[float, float], ...] = ()

    @property
    def analyzed(self) -> int:
        return len(self.seconds)


@dataclass(frozen=True)
class VideoAnalysis:
    """What was found in a video, or in an image, which is a video of one frame.

    Attributes:
        path: of the file; None for an image that lies in memory alone.
        started: when the analysis began (UTC).
        packets: what was found without decoding a video; None for an image.
        image: the image itself, uint8 RGB [H, W, 3]; None for a video.
        width_px: as a player shows it, like `height_px`.
        seconds: the time of the last frame that was read.
        faces: what `FrameAnalyzer.collect` returns; `track` is 0 for what is hardly a face.
        tracks: each face over time.
        verdict: on the file, and on each track.
        frame_hashes: perceptual hashes of a few frames spread over a video.
        decoder: reads a video again, to draw on it.
        pixel_aspect: width over height of a pixel as a player shows it.
        transfer: `pq` or `hlg` of an HDR video, which is read as SDR; else empty.
    """

    path: Path | None
    started: datetime
    packets: PacketScan | None
    image: np.ndarray | None
    width_px: int
    height_px: int
    seconds: float
    frames: FrameCounts
    faces: pd.DataFrame
    tracks: list[FaceTrack]
    verdict: Verdict
    decoder: Decoder
    pixel_aspect: float = 1.0
    transfer: str = ""
    frame_hashes: tuple[int, ...] = ()


class FrameAnalyzer:
    """Takes in the frames of one video, in order.

    Attributes:
        seconds: the time of each frame, by its number.
        size_px: width and height of the last one.
    """

    def __init__(self, detector: Detector, usable: UsableParams, spacing: float = 1.0):
        """Follow faces, and classify one crop of about `spacing` frames in which one is seen.

        Args:
            usable: which faces are used for a verdict.
        """
        self._detector, self._usable, self._spacing = detector, usable, spacing
        self._collector = TrackCollector(usable.min_face_score)
        self._chooser = CropChooser(spacing)
        self._search = SmallFaceSearch(detector, usable.min_face_score)
        self._tracks: dict[int, np.ndarray] = {}
        self._boxes: dict[int, np.ndarray] = {}
        self._logits: dict[Face, float] = {}
        self.seconds: dict[int, float] = {}
        self.size_px = (0, 0)

    def restart(self) -> "FrameAnalyzer":
        """Return an analyzer of the same video from its beginning, which knows what this found."""
        again = FrameAnalyzer(self._detector, self._usable, self._spacing)
        again._boxes, again._logits = dict(self._boxes), dict(self._logits)
        again._chooser.log_odds = dict(self._chooser.log_odds)
        return again

    def analyze(self, frames: list[Frame]) -> None:
        """Detect and follow the faces of frames, at least one, and classify some."""
        new = [frame for frame in frames if frame.number not in self._boxes]
        if new:
            rows = detect_in_frames(self._detector, new, self._usable.min_face_score)
            sure = [own[own[:, 4:].sum(axis=1) >= self._usable.min_face_score] for own in rows]
            small = self._search.find(new, [own[:, :4] for own in sure])
            for frame, own, shown, more in zip(new, rows, sure, small, strict=True):
                kept = shown if len(more) else own
                self._boxes[frame.number] = np.concatenate([kept, more])
        for frame in frames:
            self._follow(frame)
        self._chooser.choose(self._classify)

    def _follow(self, frame: Frame) -> None:
        rows = self._boxes[frame.number]  # [N, 6]
        numbers = self._collector.add(frame.number, frame.image, rows)
        self._tracks[frame.number] = numbers
        self.seconds[frame.number] = frame.seconds
        self.size_px = frame.image.shape[1::-1]
        certainty, sharpness = rows[:, 4:].sum(axis=1), self._collector.sharpness
        poor = find_poor_faces(rows[:, :4], certainty, sharpness, self._usable)
        is_poor = np.any(list(poor.values()), axis=0)
        for row in np.flatnonzero(
            (numbers != NOT_FOLLOWED) & self._detector.is_classified(certainty)
        ).tolist():
            crop = cut_face(frame.image, rows[row, :4], *self._detector.crop_shape)
            candidate = Candidate((frame.number, row), crop, not is_poor[row])
            self._chooser.add(int(numbers[row]), candidate)

    def _classify(self, chosen: list[Candidate]) -> np.ndarray:
        logits = self._detector.classify([candidate.crop for candidate in chosen])
        keys = [candidate.key for candidate in chosen]
        self._logits |= dict(zip(keys, logits.tolist(), strict=True))
        scores = np.stack([self._boxes[frame][row, 4:] for frame, row in keys])  # [N, 2]
        return compute_log_odds(expit(fuse_logits(scores, logits, self._detector.fusion_weight)))

    def collect(self) -> tuple[pd.DataFrame, list[FaceTrack]]:
        """Classify what is left to be, and return all faces, and each over time.

        Returns:
            `frame`, `FACE_COLUMNS`, `score_fusion.FAKE_SCORE_COLUMNS` and `track` of each face,
            and tracks. A face that was not classified has the score between those that were
            (`crop_choice.fill_scores`); one that is not followed has that of the SSD.
        """
        self._chooser.choose(self._classify, is_end=True)
        faces = self._list_faces()
        tracks = []
        for track in self._collector.collect():
            own = (faces["track"] == track.track).to_numpy()
            scores = faces.loc[own, [*FACE_LABELS, FAKE_SCORE_COLUMNS[1]]].to_numpy()
            track = replace(track, real=scores[:, 0], fake=scores[:, 1])
            track = fill_scores(track, ~np.isnan(scores[:, 2]), self._usable)
            faces.loc[own, list(FACE_LABELS)] = np.column_stack([track.real, track.fake])
            tracks.append(track)
        return faces, tracks

    def _list_faces(self) -> pd.DataFrame:
        """List all faces with the scores of those that were classified."""
        numbers = list(self.seconds)
        rows = [self._boxes[number] for number in numbers]
        faces = pd.DataFrame(np.concatenate(rows), columns=FACE_COLUMNS)
        keys = [(n, row) for n, own in zip(numbers, rows, strict=True) for row in range(len(own))]
        logits = pd.Series([self._logits.get(key, np.nan) for key in keys], dtype=float)
        return fuse_scores(faces, logits, self._detector.fusion_weight).assign(
            frame=[number for number, _ in keys],
            track=np.concatenate([self._tracks[number] for number in numbers]),
        )
