"""Which model is used (trained here, released, or in a folder), and the files that it is made of.

A model is a detector, perhaps a face classifier, and a calibration that was made for both. Its
folder is laid out as `artifacts/` is (`train/detector.keras`, `train/face_classifier/`,
`calibrate/calibration.json`), has the same files side by side (`detector.keras`,
`face_classifier/`, `calibration.json`), or is a released one, which has a `card.json`.
"""

import json
import logging
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from deepfake_detector.common.artifacts import START
from deepfake_detector.common.files import hash_file
from deepfake_detector.config.types import Engine
from deepfake_detector.data.known_videos import TrainingVideos, read_training_videos
from deepfake_detector.inference.detector import (
    FACE_CLASSIFIER,
    Detector,
    check_archive,
)
from deepfake_detector.inference.engine import load_networks
from deepfake_detector.inference.model_folders.model_hashes import hash_detector
from deepfake_detector.models.released_folder import PULL_COMMAND, pull_released
from deepfake_detector.verdicts.calibration import (
    Calibration,
    ScoredBy,
    check_calibration_belongs,
    load_calibration,
)

ARTIFACTS = Path("artifacts")
RELEASED_FOLDER = Path("released")
INSTALLED_RELEASED = Path(__file__).parents[2] / RELEASED_FOLDER
"""The released model in an installed package; a clone has none there."""

TRAINED, RELEASED = "trained", "released"
"""Names of the model in `ARTIFACTS`, and of the one in `RELEASED_FOLDER`."""

CARD = "card.json"
"""The file that a released folder is known by."""

TRAIN_COMMAND = "python3 start.py dvc repro --pull"

NO_ANSWERS = (
    "The model that was trained here can answer nothing: its validation videos are too few, or it "
    "does not tell them apart. `--model released` answers where it can."
)
"""Told of a model whose every answer is `cannot tell`."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model; `face_classifier` need not be there."""

    detector: Path
    face_classifier: Path
    calibration: Path


@dataclass(frozen=True)
class ModelIdentity:
    """Which model it is: its name, the version of a released one, and the SHA-256 of its files."""

    name: str
    version: str | None
    detector: str
    classifier: str | None
    calibration: str


@dataclass(frozen=True)
class LoadedModel:
    """A detector, its calibration, which model they are, in words what it covers, and what it
    learned from (None where that was not kept)."""

    detector: Detector
    calibration: Calibration
    identity: ModelIdentity
    covers: list[str] = field(default_factory=list)
    training_videos: TrainingVideos | None = None


def load_model(model: str | Path | None = None, engine: Engine = "auto") -> LoadedModel:
    """Load a model, and check that its calibration belongs to it.

    Args:
        model: `trained`, `released`, `released@VERSION` or a folder; None: what was trained with a
            calibration that belongs to it, else the released one.
        engine: what its networks run in; `auto`: ONNX Runtime where there are files for it.

    Raises:
        ValueError: it is not there, damaged, or its files do not belong together; the message
            names the file and the command that mends it.
    """
    if model is None:
        return _load_default(engine)
    name, _, version = str(model).partition("@")
    if name == TRAINED and not version:
        return load_folder(ARTIFACTS, TRAINED, engine)
    if name == RELEASED:
        return _load_released(version, engine)
    if not Path(model).is_dir():
        raise ValueError(
            f"{model}: no such model; expected trained, released, released@VERSION or a folder"
        )
    return load_folder(Path(model), str(model), engine)


def _load_default(engine: Engine) -> LoadedModel:
    files = find_files(ARTIFACTS)
    if not files.detector.is_file():
        if fetch_released():
            return _load_released("", engine)
        raise ValueError(
            f"no model: nothing was trained ({ARTIFACTS}/) and nothing is released "
            f"({RELEASED_FOLDER}/); run `{TRAIN_COMMAND}` to train one, or `{PULL_COMMAND}`"
        )
    try:
        check_files(files, TRAINED)
    except ValueError as error:
        if not fetch_released():
            raise
        logger.warning("%s; the released model is used", error)
        return _load_released("", engine)
    loaded = load_files(files, TRAINED, engine)
    if not loaded.calibration.can_answer():
        logger.warning("%s", NO_ANSWERS)
    return loaded


def _load_released(version: str, engine: Engine) -> LoadedModel:
    """Load the released model, or an older version of it out of a folder of its own."""
    folder = find_released_folder()
    if not fetch_released():
        raise ValueError(f"{folder}: no released model here; run `{PULL_COMMAND}`")
    if version and _read_version(folder) != version:
        folder = Path(f"{RELEASED_FOLDER}-{version}")
        if not folder.is_dir():
            raise ValueError(
                f"{folder}: not here; run "
                f"`dvc get . {RELEASED_FOLDER} --rev v{version} -o {folder}`, after "
                "`git fetch --tags` where that revision is unknown"
            )
    return load_folder(folder, RELEASED, engine)


def fetch_released() -> bool:
    """Let DVC fetch the released model where it is tracked and its folder is not there.

    Returns:
        Whether the folder is there now.

    Raises:
        ValueError: DVC could not fetch it; it has said why.
    """
    pull_released(RELEASED_FOLDER)
    return find_released_folder().is_dir()


def find_released_folder() -> Path:
    """Return the folder of the released model: the one here, or else an installed package's."""
    is_here = (RELEASED_FOLDER / CARD).is_file() or not INSTALLED_RELEASED.is_dir()
    return RELEASED_FOLDER if is_here else INSTALLED_RELEASED


def fetch_named(model: str | Path | None) -> None:
    """Let DVC fetch what `load_model` would, before several processes load the same model."""
    is_trained = model is None and find_files(ARTIFACTS).detector.is_file()
    if not is_trained and str(model or RELEASED).partition("@")[0] == RELEASED:
        fetch_released()


def load_folder(folder: Path, name: str, engine: Engine = "auto") -> LoadedModel:
    """Load the model in a folder, as `load_model` does.

    Args:
        name: of the model in what is written about it.
    """
    if (folder / CARD).is_file():
        return _load_released_folder(folder, name, engine)
    return load_files(find_files(folder), name, engine)


def find_files(folder: Path) -> ModelFiles:
    """Name the files of the model in a folder, whether they are there or not."""
    is_artifacts = (folder / "train").is_dir() or folder == ARTIFACTS
    detectors, calibrations = ("train", "calibrate") if is_artifacts else ("", "")
    return ModelFiles(
        folder / detectors / "detector.keras",
        folder / detectors / FACE_CLASSIFIER,
        folder / calibrations / "calibration.json",
    )


def load_files(files: ModelFiles, name: str, engine: Engine = "auto") -> LoadedModel:
    """Load a model from its files, as `load_model` does."""
    calibration, identity = check_files(files, name)
    detector = load_networks(files.detector, engine, files.face_classifier)
    covers = [] if calibration.can_answer() else [NO_ANSWERS]
    return LoadedModel(detector, calibration, identity, covers, _find_training_videos(files))


def _find_training_videos(files: ModelFiles) -> TrainingVideos | None:
    """Find what the released model learned from that a model was fine-tuned from."""
    start = files.detector.with_name(START.name)
    if not start.is_file():
        return None
    released = json.loads(start.read_text(encoding="utf-8"))["released"]
    return None if released is None else read_training_videos(Path(released))


def check_files(files: ModelFiles, name: str) -> tuple[Calibration, ModelIdentity]:
    """Read the calibration of a model, and check by hashes that it was made for the other files.

    Raises:
        ValueError: a file is not there or damaged, or the calibration was made for others.
    """
    if not files.detector.is_file():
        raise ValueError(
            f"{files.detector}: no detector here; run `dvc repro`, or name another model"
        )
    scored_by = hash_detector(files.detector, files.face_classifier)
    calibration = load_calibration(files.calibration)
    try:
        check_calibration_belongs(calibration, scored_by, files.calibration)
    except ValueError:
        for path in (files.detector, files.face_classifier):
            if path.is_file():
                check_archive(path)  # a damaged file is called so, and not another one
        raise
    hashes = (*astuple(scored_by), hash_file(files.calibration))
    return calibration, ModelIdentity(name, None, *hashes)


def _load_released_folder(folder: Path, name: str, engine: Engine) -> LoadedModel:
    from deepfake_detector.inference.model_folders.released import load_released

    detector, calibration, card = load_released(folder, engine)
    identity = ModelIdentity(name, card["version"], **card["sha256"])
    scored_by = ScoredBy(identity.detector, identity.classifier)
    check_calibration_belongs(calibration, scored_by, folder)
    return LoadedModel(
        detector, calibration, identity, describe_coverage(card), read_training_videos(folder)
    )


def describe_coverage(card: dict[str, Any]) -> list[str]:
    """Say in sentences what a released model's answer covers and what it does not."""
    covers, others = (", ".join(card[key]) for key in ("covers", "not_covered"))
    return [
        f"Examined for: {covers or 'nothing yet'}; the model learned from {card['people']} people "
        f"and {card['forgery_methods']} methods of forgery. How many of each it finds, and how "
        "many it leaves without an answer, is on its card.",
        f"Not detected reliably: {others}; footage that was generated as a whole.",
        "Sound was not examined.",
    ]


def _read_version(folder: Path) -> str | None:
    """Return the version on a released folder's card, None where it has no card."""
    path = folder / CARD
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))["version"]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{path}: not the card of a released model; run `{PULL_COMMAND}`"
        ) from error
