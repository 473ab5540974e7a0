"""The predictor of files that strangers send."""

import argparse

from deepfake_detector.config.schema import Params
from deepfake_detector.inference.predictor import DeepfakePredictor, make_sampling
from deepfake_detector.video.decoders.isolated_decoder import IsolatedDecoder


def load_isolated_predictor(asked: argparse.Namespace, params: Params) -> DeepfakePredictor:
    """Load the model of `add_model_options`; files are decoded in a process with limits.

    Raises:
        ValueError: there is no such model, or it is damaged.
    """
    sampling = make_sampling(params.predict, params.app.max_seconds)
    return DeepfakePredictor.load(
        asked.model,
        sampling,
        params.inference.engine,
        asked.prevalence,
        asked.max_false_positive_rate,
        IsolatedDecoder(),
    )
