"""One weights file, one set of images, two Keras backends: the same faces.

A process has one backend, so each runs in its own.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-3

FIND = """
import sys
import numpy as np
from deepfake_detector.inference.detector import load_detector
detector = load_detector(sys.argv[1]).ssd
found = detector.predict_on_batch(np.load(sys.argv[2]))
np.savez(sys.argv[3], **{name: np.asarray(part) for name, part in found.items()})
assert "tensorflow" not in sys.modules, "a detector on JAX needs no TensorFlow"
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
@pytest.mark.parametrize(
    "backbone", ["efficientnet_lite0", pytest.param("vgg16", marks=pytest.mark.slow)]
)
def test_jax_finds_what_tensorflow_finds(backbone, detector_params, tmp_path):
    from deepfake_detector.models.ssd.network import build_detector, build_inference_model

    # in float32: bfloat16, which `auto` may choose here, is rounded by each backend in its own way
    exact = {"backbone": backbone, "precision": "float32"}
    params = detector_params.model_copy(update=exact)
    keras.utils.set_random_seed(4)
    detector = build_detector(params)
    soften(detector)
    inference_model = build_inference_model(detector, params)
    images = np.random.default_rng(4).uniform(0, 255, (2, 300, 300, 3)).astype(np.float32)
    expected = inference_model.predict_on_batch(images)
    inference_model.save(tmp_path / "detector.keras")
    np.save(tmp_path / "images.npy", images)
    find_on_jax(tmp_path / "detector.keras", tmp_path / "images.npy", tmp_path / "found.npz")
    assert (expected["scores"].sum(axis=2) > 0).all()  # 200 faces: nothing is easy
    with np.load(tmp_path / "found.npz", allow_pickle=False) as found:
        for image in range(2):
            theirs, ours = join(found, image), join(expected, image)
            difference = np.abs(theirs[:, None] - ours[None]).max(axis=2)  # [most, most]
            assert difference.min(axis=0).max() < TOLERANCE
            assert difference.min(axis=1).max() < TOLERANCE
            assert theirs[:, 4:].sum(axis=1) == pytest.approx(
                ours[:, 4:].sum(axis=1), abs=TOLERANCE
            )


def join(found, image: int) -> np.ndarray:
    """Give boxes and scores of an image as rows [most, 6].

    Faces whose scores are equal but for the last bit may stand in another order.
    """
    return np.concatenate([np.asarray(found[name])[image] for name in ("boxes", "scores")], axis=1)


def soften(detector) -> None:
    """Scale random predictors until offsets and logits are as large as a trained detector's."""
    images = np.random.default_rng(5).uniform(0, 255, (1, 300, 300, 3)).astype(np.float32)
    outputs = detector.predict_on_batch(images)
    for layer in detector.layers:
        if layer.name.startswith(("box_", "label_")) and layer.weights:
            size = np.std(outputs[layer.name.split("_")[0]])
            layer.kernel.assign(layer.kernel / size)


def find_on_jax(*paths: Path) -> None:
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *filter(None, sys.path)]),
    }
    command = [sys.executable, "-c", FIND, *map(str, paths)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
