"""Training steps of the face classifier with fused batch normalization, against Keras' own layer.

    python benchmarks/batch_norm_speed.py [--repeats 9]

Two networks that differ in this layer alone take turns on the same batch of 32 crops of 240 px.
Printed are the medians of wall and CPU time of a step, their ratios, and how far the losses of the
first three steps lie apart. Making the crops is not part of it.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from unittest.mock import patch

import keras
import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

CROPS = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    from deepfake_detector.models.backbones import efficientnet_lite0

    layers = {
        "keras": keras.layers.BatchNormalization,
        "fused": efficientnet_lite0.FusedBatchNormalization,
    }
    networks = {}
    for name, layer in layers.items():
        with patch.object(efficientnet_lite0, "FusedBatchNormalization", layer):
            networks[name] = make_network()
    side = networks["keras"].crop_px
    random = np.random.default_rng(0)
    crops = random.uniform(0, 255, (CROPS, side, side, 3)).astype(np.float32)
    labels = np.tile(np.float32([0, 1]), CROPS // 2)
    losses = {
        name: [float(network.train_on_batch(crops, labels)) for _ in range(3)]
        for name, network in networks.items()
    }
    difference = np.abs(np.subtract(*losses.values())).max()
    print(f"losses of three steps: at most {difference:.1e} apart")
    times = {name: [] for name in networks}
    for _ in range(repeats):
        for name, network in networks.items():
            wall, cpu = time.perf_counter(), time.process_time()
            network.train_on_batch(crops, labels)
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    for place, kind in enumerate(["wall", "CPU"]):
        keras_s, fused_s = (
            statistics.median(time[place] for time in times[name]) for name in networks
        )
        print(
            f"{kind} time of a step of {CROPS} crops: keras {keras_s:.2f} s, "
            f"fused {fused_s:.2f} s, ratio {keras_s / fused_s:.2f}"
        )


def make_network() -> keras.Model:
    """Make a face classifier as `train` does, with random weights."""
    from deepfake_detector.config.schema import load_params
    from deepfake_detector.models.face_classifier import build_face_classifier
    from deepfake_detector.training.train_classifier import (
        make_classifier_loss,
        make_classifier_optimizer,
    )

    params = load_params(PROJECT / "params.yaml").face_classifier
    keras.utils.set_random_seed(1)
    network = build_face_classifier(params)
    network.compile(
        optimizer=make_classifier_optimizer(params, params.max_steps_per_epoch),
        loss=make_classifier_loss(params),
    )
    return network


if __name__ == "__main__":
    main()
