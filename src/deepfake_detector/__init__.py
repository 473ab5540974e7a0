"""Real and fake faces in videos. Importing this loads neither TensorFlow nor a model."""

from importlib import import_module
from typing import Any

__all__ = ["DeepfakePredictor"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("deepfake_detector.inference.predictor"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
