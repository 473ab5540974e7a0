"""The weights that a training starts from, by `train.init`.

`released` are those of the released detector, `imagenet` the published ones of the backbone,
`none` leaves all of them random. Anything else is a path: of a folder as `released/` is, or of a
file with weights of the SSD (`backbones/pretrained`), beside which the face classifier starts from
ImageNet. Where nothing released can be had, `released` means `imagenet`: `choose_start`. A study
fixes `imagenet` for all its trials, so that they can be compared: `tuning/run_trial`.
"""

import logging
from pathlib import Path

import keras

from deepfake_detector.config.schema import DetectorParams
from deepfake_detector.models.backbones.pretrained import (
    load_imagenet,
    load_lite0,
    load_weights_file,
)
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.released_folder import pull_released, read_released_model
from deepfake_detector.models.released_weights import load_released_weights

RELEASED = Path("released")
MUST_FIT = ("backbone", "image_size_px", "anchors")
"""Parameters of the detector that its weights are good for."""

logger = logging.getLogger(__name__)


def choose_start(init: str) -> str:
    """Return `train.init`, or `imagenet` where it is `released` and nothing released can be had.

    A folder that DVC tracks and that is not there is fetched.
    """
    if init != "released":
        return init
    try:
        pull_released(RELEASED)
        reason = f"there is no {RELEASED}/"
    except ValueError as error:
        reason = str(error)
    if RELEASED.is_dir():
        return init
    logger.warning("the detector starts from ImageNet, not from the released one: %s", reason)
    return "imagenet"


def find_start(params: DetectorParams, init: str, has_classifier: bool) -> Path | None:
    """Return the released folder that all networks of a detector start from; None: they do not."""
    folder = find_released(init)
    if folder is None or not has_classifier or find_misfit(folder, params):
        return None
    return folder


def initialize_ssd(detector: keras.Model, params: DetectorParams, init: str) -> bool:
    """Fill a detector with the weights that `train.init` names, in place.

    Released weights of a detector with other anchors, size or backbone do not fit; ImageNet's are
    taken in their place, and a line of the log says so.

    Returns:
        Whether it is a trained detector now, which needs fewer steps.

    Raises:
        ValueError: the released folder is incomplete or changed, or a file does not fit.
        FileNotFoundError: there is no such file.
    """
    if init == "none":
        return False
    folder = find_released(init)
    if folder is None and init != "imagenet":
        load_weights_file(detector, Path(init), params.backbone)
        return False
    misfit = "" if folder is None else find_misfit(folder, params)
    if misfit:
        logger.info(
            "the SSD starts from ImageNet: the weights in %s are of another detector.%s",
            folder,
            misfit,
        )
    if folder is None or misfit:
        load_imagenet(detector, params.backbone)
        return False
    load_released_weights(folder, ssd=detector)
    logger.info("the SSD starts from the weights in %s", folder)
    return True


def initialize_classifier(classifier: FaceClassifier, init: str, number: int) -> bool:
    """Fill a classifier of one network with the weights that `train.init` names, in place.

    Args:
        number: of the network in its ensemble, from 1.

    Returns:
        Whether it is a trained classifier now, which needs fewer steps.

    Raises:
        ValueError: the released folder is incomplete or changed.
    """
    if init == "none":
        return False
    folder = find_released(init)
    if folder is None:
        load_lite0(classifier.features[0])
        return False
    load_released_weights(folder, classifier=classifier, first_network=number)
    return True


def find_released(init: str) -> Path | None:
    """Return the folder of released weights that `train.init` names; None: it names another."""
    if init == "released":
        return RELEASED
    return Path(init) if init not in ("imagenet", "none") and Path(init).is_dir() else None


def find_misfit(folder: Path, params: DetectorParams) -> str:
    """Return the first parameter that the released SSD has otherwise, or an empty text."""
    released, wanted = read_released_model(folder)["detector"], params.model_dump()
    return next((name for name in MUST_FIT if released.get(name) != wanted[name]), "")
