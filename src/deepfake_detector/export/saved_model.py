"""Export as a TensorFlow SavedModel: the exact suppression of the Keras model, any batch size."""

from pathlib import Path

import keras
import numpy as np

from deepfake_detector.export.networks import copy_network


def export_saved_model(detector: keras.Model, folder: Path) -> None:
    """Write a detector, images [B, S, S, 3] to `boxes` and `scores`, as a SavedModel."""
    write_saved_model(copy_network(detector), folder)


def write_saved_model(network: keras.Model, folder: Path) -> None:
    """Write a network whose layers have plain names."""
    network.export(str(folder), format="tf_saved_model", verbose=False)


def run_saved_model(folder: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Run a SavedModel on images [B, S, S, 3]: its outputs by name."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))  # its variables live as long as it does
    found = loaded.serve(images)
    return {name: values.numpy() for name, values in found.items()}
