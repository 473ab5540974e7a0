"""The public object: a model that is loaded once and analyzes any number of files.

from deepfake_detector import DeepfakePredictor

analysis = DeepfakePredictor.load().analyze("clip.mp4")
analysis.verdict.answer, analysis.verdict.probability, analysis.verdict.reason
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from deepfake_detector.config.schema import PredictParams, load_params
from deepfake_detector.config.types import Engine
from deepfake_detector.data.known_videos import FrameHasher
from deepfake_detector.inference.analysis import (
    FrameAnalyzer,
    FrameCounts,
    Progress,
    VideoAnalysis,
    ignore_progress,
)
from deepfake_detector.inference.close_parts import choose_close_parts, list_parts
from deepfake_detector.inference.model_folders.model_files import LoadedModel, load_model
from deepfake_detector.verdicts.decision import abstain_on_parts, decide_video
from deepfake_detector.verdicts.face_track import keep_frames
from deepfake_detector.verdicts.operating_point import (
    EVEN,
    set_false_positive_rate,
    set_prevalence,
)
from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.frame_reader import Frame, FrameReader
from deepfake_detector.video.images import is_image
from deepfake_detector.video.sampling import CropLimits, Sampling


def make_sampling(params: PredictParams, max_seconds: float | None = None) -> Sampling:
    """Return which frames are analyzed, and which faces classified, as parameters say.

    Args:
        max_seconds: a longer video is rejected; None: no limit.
    """
    return Sampling(params.frame_stride, params.max_frames, max_seconds, make_crop_limits(params))


def make_crop_limits(params: PredictParams) -> CropLimits:
    """Return how many crops of a face are classified, as parameters say."""
    return CropLimits(params.max_crops_per_track, params.max_crop_gap_seconds)


class DeepfakePredictor:
    """Finds faces in videos and images and decides whether they are real or fake.

    Attributes:
        model: detector, calibration, and which model they are.
        sampling: which frames of a video are analyzed.
        decoder: decodes files; an `IsolatedDecoder` where strangers send them.
    """

    def __init__(self, model: LoadedModel, sampling: Sampling, decoder: Decoder | None = None):
        self.model, self.sampling, self.decoder = model, sampling, decoder or Decoder()

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        sampling: Sampling | None = None,
        engine: Engine = "auto",
        prevalence: float = EVEN,
        max_false_positive_rate: float | None = None,
        decoder: Decoder | None = None,
    ) -> "DeepfakePredictor":
        """Load a model with its calibration and the hashes of both.

        Args:
            model: `trained`, `released`, `released@VERSION` or a folder; None: what was trained in
                `artifacts/` with a calibration that belongs to it, else the released one.
            sampling: None: as `predict` in `params.yaml` has it.
            engine: what the networks run in, `inference.engine` of `params.yaml`.
            prevalence: how common fakes are where the files come from, 0-1; shifts probabilities,
                not answers.
            max_false_positive_rate: of real videos that may be called likely fake, 0-1; None: as
                the model was calibrated.
            decoder: None: files are decoded in this process.

        Raises:
            ValueError: there is no such model, or it is damaged; the message names the command
                that mends it. A rate does not fit.
        """
        if sampling is None:
            sampling = make_sampling(load_params().predict)
        loaded = load_model(model, engine)
        if max_false_positive_rate is not None:
            calibration = set_false_positive_rate(loaded.calibration, max_false_positive_rate)
            loaded = replace(loaded, calibration=calibration)
        return cls(loaded, sampling, decoder).at_prevalence(prevalence)

    def at_prevalence(self, prevalence: float) -> "DeepfakePredictor":
        """Return a predictor of the same model for files of which so many, 0-1, are fake.

        Raises:
            ValueError: it is not between 0 and 1.
        """
        if prevalence == self.model.calibration.prevalence:
            return self
        calibration = set_prevalence(self.model.calibration, prevalence)
        model = replace(self.model, calibration=calibration)
        return DeepfakePredictor(model, self.sampling, self.decoder)

    def analyze(self, path: str | Path, progress: Progress = ignore_progress) -> VideoAnalysis:
        """Analyze a video or an image; a video that breaks, as far as it can be read.

        Raises:
            ValueError: it cannot be read at all, or is longer than `sampling` allows.
            FileNotFoundError: there is no such file.
        """
        path = Path(path)
        if is_image(path):
            return self.analyze_image(self.decoder.read_image(path), path)
        return self._analyze_video(path, progress)

    def analyze_image(self, image: np.ndarray, path: Path | None = None) -> VideoAnalysis:
        """Analyze an image, uint8 RGB [H, W, 3], as a video of one frame; `path` is its file."""
        started, analyzer = datetime.now(UTC), self._make_analyzer(1, 1, 1.0)
        analyzer.analyze([Frame(0, 0.0, image)])
        faces, tracks = analyzer.collect()
        verdict = decide_video(tracks, self.model.calibration)
        return VideoAnalysis(
            path=path,
            started=started,
            packets=None,
            image=image,
            width_px=image.shape[1],
            height_px=image.shape[0],
            seconds=0.0,
            frames=FrameCounts(1, analyzer.seconds, 1),
            faces=faces,
            tracks=tracks,
            verdict=verdict,
            decoder=self.decoder,
        )

    def count_frames(self, path: Path) -> int:
        """Count the frames of a file without decoding them, for a progress bar.

        Raises:
            ValueError: empty, or neither a video nor an image.
        """
        return 1 if is_image(path) else self.decoder.scan_packets(path).frames

    def _analyze_video(self, path: Path, progress: Progress) -> VideoAnalysis:
        started, packets = datetime.now(UTC), self.decoder.scan_packets(path)
        sampler = self.sampling.make_sampler(packets.frames)
        analyzer = self._make_analyzer(packets.frames, sampler.frame_stride, packets.fps)
        reader = FrameReader(path, packets, self.sampling.max_seconds, self.decoder)
        hasher = FrameHasher(packets.frames)
        for frames in reader.read(sampler.is_wanted):
            analyzer.analyze(frames)
            for frame in frames:
                hasher.add(frame.number, frame.image)
            progress("analyzing", reader.count)
        missing = max(packets.frames - reader.count, 1) if reader.problem else 0
        evenly = np.array(sorted(analyzer.seconds))
        analyzer, more = self._look_closely(analyzer, sampler.frame_stride, reader, progress)
        faces, tracks = analyzer.collect()
        calibration = self.model.calibration
        verdict = decide_video([keep_frames(track, evenly) for track in tracks], calibration)
        return VideoAnalysis(
            path=path,
            started=started,
            packets=packets,
            image=None,
            width_px=analyzer.size_px[0],
            height_px=analyzer.size_px[1],
            seconds=reader.seconds,
            frames=FrameCounts(
                reader.count, analyzer.seconds, sampler.frame_stride, missing, reader.problem,
                list_parts(more, sampler.frame_stride, analyzer.seconds),
            ),
            faces=faces,
            tracks=tracks,
            verdict=abstain_on_parts(verdict, tracks, calibration),
            decoder=self.decoder,
            pixel_aspect=reader.pixel_aspect,
            transfer=reader.transfer,
            frame_hashes=tuple(hasher.hashes),
        )  # fmt: skip

    def _look_closely(
        self, coarse: FrameAnalyzer, frame_stride: int, reader: FrameReader, progress: Progress
    ) -> tuple[FrameAnalyzer, set[int]]:
        """Analyze more frames where a long video calls for it, and follow its faces anew.

        The verdict is decided on the evenly spread frames alone, as calibrations are: suspicious
        frames would weigh more the more closely they are looked at.

        Returns:
            An analyzer of all frames, and the numbers of those that were added.
        """
        if not self.sampling.is_coarse(frame_stride):
            return coarse, set()
        parts = choose_close_parts(
            coarse.collect()[1], self.model.calibration, frame_stride, coarse.seconds
        )
        more = self.sampling.choose_close_frames(set(coarse.seconds), parts)
        if not more:
            return coarse, more
        analyzer = coarse.restart()
        wanted, again = more | set(coarse.seconds), reader.restart()
        for frames in again.read(wanted.__contains__):
            analyzer.analyze(frames)
            progress("looking_closely", again.count)
        return analyzer, more

    def _make_analyzer(self, frames: int, frame_stride: int, fps: float) -> FrameAnalyzer:
        spacing = self.sampling.space_crops(frames, frame_stride, fps)
        return FrameAnalyzer(self.model.detector, self.model.calibration.usable, spacing)
