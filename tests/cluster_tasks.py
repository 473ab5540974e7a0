"""What workers of a cluster do in tests; they import it by name, so it is a plain module."""

import os
import signal

import numpy as np

from builders import make_predictor
from clips import SeesColors
from deepfake_detector.batch.analyze_input import PredictorOptions
from deepfake_detector.data.annotations.annotate_video import VideoToAnnotate
from deepfake_detector.faces.offline_tracker import FrameDetections, make_empty_detections
from deepfake_detector.inference.predictor import DeepfakePredictor


class KilledByPink(SeesColors):
    """Finds squares, and has its process killed by a frame that is pink all over."""

    def predict_on_batch(self, images):
        if (images.mean(axis=(1, 2)) > [200, -1, 200]).all(axis=1).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict_on_batch(images)


class StandIn(PredictorOptions):
    """Stands in for a model: squares are faces."""

    def fetch(self) -> None:
        pass

    def load(self) -> DeepfakePredictor:
        return make_predictor(KilledByPink(), **dict(self.arguments))


class BrightFinder:
    """Sees a face in every bright picture."""

    def detections(self, image, frame=0):
        if image.mean() < 128:
            return make_empty_detections(frame)
        boxes = np.array([[10.0, 10, 30, 34]])
        return FrameDetections(frame, boxes, np.zeros((1, 5, 2)), np.ones(1))


class BrightVideo(VideoToAnnotate):
    """A video in which bright frames have a face."""

    def load_detector(self):
        return BrightFinder()
