"""Numbers of the 2020 project: `ssd_reference.npz`.

Made by running that project's SSD code (ssd_keras, TensorFlow 1.15.5, Keras 2.2.4) with its
parameters: 300 x 300, labels 1 real and 2 fake, VOC scales, matching 'multi' at 0.5, score over
0.01, suppression per label at 0.45, top 200. The images of the loss and of decoding are cut to the
first two.
"""

from pathlib import Path

import numpy as np
import pytest

from deepfake_detector.config.schema import DetectorParams, load_params

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def reference():
    with np.load(
        Path(__file__).with_name("ssd") / "ssd_reference.npz", allow_pickle=False
    ) as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def project_params():
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def detector_params(project_params) -> DetectorParams:
    return project_params.detector
