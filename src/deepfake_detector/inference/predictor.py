"""The public object: a model that is loaded once and analyzes any number of files.

from deepfake_detector import DeepfakePredictor

analysis = DeepfakePredictor.load().analyze("clip.mp4")
analysis.verdict.answer, analysis.verdict.probability, analysis.verdict.reason
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from deepfake_detector.config.schema import load_params
from deepfake_detector.config.types import Engine
from deepfake_detector.inference.analysis import (
    FrameAnalyzer,
    FrameCounts,
    Progress,
    VideoAnalysis,
    ignore_progress,
)
from deepfake_detector.inference.model_files import LoadedModel, load_model
from deepfake_detector.verdicts.decision import decide_video
from deepfake_detector.video.decoder import Decoder
from deepfake_detector.video.frame_reader import Frame, FrameReader
from deepfake_detector.video.images import is_image
from deepfake_detector.video.sampling import Sampling


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
        decoder: Decoder | None = None,
    ) -> "DeepfakePredictor":
        """Load a model with its calibration and the hashes of both.

        Args:
            model: `trained`, `released`, `released@VERSION` or a folder; None: what was trained in
                `artifacts/` with a calibration that belongs to it, else the released one.
            sampling: None: as `predict` in `params.yaml` has it.
            engine: what the networks run in, `inference.engine` of `params.yaml`.
            decoder: None: files are decoded in this process.

        Raises:
            ValueError: there is no such model, or it is damaged; the message names the command
                that mends it.
        """
        if sampling is None:
            params = load_params().predict
            sampling = Sampling(params.frame_stride, params.max_frames)
        return cls(load_model(model, engine), sampling, decoder)

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
        started, analyzer = datetime.now(UTC), self._make_analyzer()
        analyzer.analyze([Frame(0, 0.0, image)])
        faces, tracks = analyzer.collect()
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
            verdict=decide_video(tracks, self.model.calibration),
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
        analyzer = self._make_analyzer()
        sampler = self.sampling.make_sampler(packets.frames)
        reader = FrameReader(path, packets, self.sampling.max_seconds, self.decoder)
        for frames in reader.read(sampler.is_wanted):
            analyzer.analyze(frames)
            progress("analyzing", reader.count)
        missing = max(packets.frames - reader.count, 1) if reader.problem else 0
        faces, tracks = analyzer.collect()
        return VideoAnalysis(
            path=path,
            started=started,
            packets=packets,
            image=None,
            width_px=analyzer.size_px[0],
            height_px=analyzer.size_px[1],
            seconds=reader.seconds,
            frames=FrameCounts(
                reader.count, analyzer.seconds, sampler.frame_stride, missing, reader.problem
            ),
            faces=faces,
            tracks=tracks,
            verdict=decide_video(tracks, self.model.calibration),
            decoder=self.decoder,
            pixel_aspect=reader.pixel_aspect,
            transfer=reader.transfer,
        )

    def _make_analyzer(self) -> FrameAnalyzer:
        return FrameAnalyzer(self.model.detector, self.model.calibration.usable.min_face_score)
