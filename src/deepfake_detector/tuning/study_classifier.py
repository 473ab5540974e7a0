"""The face classifier that labels the faces of all trials of a study.

Trials are compared by boxes and labels. Neither anchors nor learning rate of the SSD change what
a face classifier learns from the annotated faces, so a study takes one of them once: trials differ
by their SSD, and not by the noise of training a classifier again.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import optuna

from deepfake_detector.common import artifacts
from deepfake_detector.common.files import hash_file, replace_file, write_text
from deepfake_detector.config.schema import Params
from deepfake_detector.data.splits.listing import Shards, list_shards, read_sources
from deepfake_detector.tuning.fingerprint import hash_values
from deepfake_detector.tuning.study import STUDIES

TRAINED = artifacts.TRAINED / "face_classifier/face_classifier.keras"
"""What the stage `train` writes."""

OWN = STUDIES / "face_classifier/face_classifier.keras"
"""What studies share that began without it."""

START = "imagenet"
"""What it starts from there, as the SSD of every trial does."""

CLASSIFIER = "face_classifier_sha256"
"""User attribute of a study."""

logger = logging.getLogger(__name__)


def keep_classifier(study: optuna.Study, find: Callable[[], Path]) -> Path:
    """Return the study's own copy of a face classifier; the first worker makes it.

    Args:
        find: returns the file of a trained one; called where the study has none yet.

    Raises:
        ValueError: no file here is the face classifier that the study began with.
    """
    kept = STUDIES / study.study_name / "face_classifier.keras"
    sha256 = study.user_attrs.get(CLASSIFIER)
    if sha256 is None:
        path = find()
        sha256 = hash_file(path)
    else:
        places = [path for path in (kept, TRAINED, OWN) if path.is_file()]
        path = next((path for path in places if hash_file(path) == sha256), None)
    if path is None:
        raise ValueError(
            f"neither {kept} nor {TRAINED} is the face classifier that study {study.study_name} "
            f"began with (SHA-256 {sha256}); copy it to {kept} from the machine where the study "
            "began, or give another name with --study"
        )
    if path != kept:
        with replace_file(kept) as unfinished:
            shutil.copyfile(path, unfinished)
    study.set_user_attr(CLASSIFIER, sha256)
    return kept


def find_classifier(params: Params) -> Path:
    """Find the face classifier of the stage `train`; else train one for the studies.

    Returns:
        Its file, `TRAINED` or `OWN`.
    """
    if TRAINED.is_file():
        return TRAINED
    made_of, fingerprint = OWN.with_name("fingerprint.txt"), _make_fingerprint(params)
    if not OWN.is_file() or not made_of.is_file() or made_of.read_text() != fingerprint:
        logger.info("%s is not there; a face classifier is trained first", TRAINED)
        _train_classifier(params, fingerprint)
        write_text(fingerprint, made_of)
    return OWN


def _make_fingerprint(params: Params) -> str:
    """Hash what a face classifier is trained on and with."""
    values = [params.seed, START, params.face_classifier.model_dump(), read_sources("train")]
    return hash_values(values, [*list_shards("train"), *list_shards("validation")])


def _train_classifier(params: Params, fingerprint: str) -> None:
    from deepfake_detector.training.checkpoints import remove_checkpoints
    from deepfake_detector.training.train_classifier import (
        FaceClassifierPlan,
        train_face_classifier,
    )

    plan = FaceClassifierPlan(
        params.face_classifier,
        START,
        params.train.finetune_fraction,
        read_sources("train"),
        params.seed,
        fingerprint,
    )
    shards = Shards(train=list_shards("train"), validation=list_shards("validation"))
    train_face_classifier(plan, shards, STUDIES, _log_epoch)
    remove_checkpoints(STUDIES)


def _log_epoch(row: dict[str, float]) -> None:
    logger.info(
        "face classifier %d, epoch %d: loss %.3f, validation AUC of frames %.3f",
        row["network"],
        row["epoch"],
        row["train_loss"],
        row["validation_frame_auc"],
    )
