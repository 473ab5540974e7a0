"""Stage `train`: train the detector on the train split, choose its epoch on validation."""

import argparse
import json
import logging
import shutil
from pathlib import Path

from deepfake_detector import mlflow_tracking
from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import START
from deepfake_detector.common.files import write_json
from deepfake_detector.common.used_code import hash_used_code
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.config.yaml_edit import read_yaml
from deepfake_detector.data.splits.listing import Shards, list_shards, read_sources

OUT = Path("artifacts/train")
UNFINISHED_RUN = Path("artifacts/train_unfinished/run.json")
PIPELINE = Path("dvc.yaml")

logger = logging.getLogger("train")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("tensorflow").setLevel(logging.WARNING)  # else a line for each all-reduce
    goes_on = "the same command goes on after the last epoch"
    cli.run("train", lambda: train(load_params()), goes_on)


def train(params: Params) -> None:
    """Train on the train split, validate on the validation split, write `artifacts/train`.

    Where several machines train the SSD (`train.strategy`), only the chief does all of this.
    """
    from deepfake_detector.models.initial_weights import choose_start
    from deepfake_detector.training.checkpoints import make_fingerprint
    from deepfake_detector.training.replicas import find_replicas
    from deepfake_detector.training.ssd import help_train_ssd

    replicas = find_replicas(params.train)  # before anything else uses TensorFlow
    init = choose_start(params.train.init)
    params = params.model_copy(update={"train": params.train.model_copy(update={"init": init})})
    shards = Shards(train=list_shards("train"), validation=list_shards("validation"))
    stage, code = read_yaml(PIPELINE)["stages"]["train"], hash_used_code(Path(__file__))
    fingerprint = make_fingerprint(stage, params, [*shards.train, *shards.validation], code)
    if replicas is not None:
        replicas.check_same_work(fingerprint)
    if replicas is None or replicas.is_chief:
        train_detector(params, shards, fingerprint)
    else:
        logger.info("helping %s with the SSD, as soon as it is at it", replicas.machines[0])
        help_train_ssd(params, shards.train)


def train_detector(params: Params, shards: Shards, fingerprint: str) -> None:
    """Train face classifier and SSD, in a run of MLflow, and write `artifacts/train`.

    The face classifier comes first: with it, epochs of the SSD are ranked as the whole detector.
    """
    from deepfake_detector.models.initial_weights import find_start
    from deepfake_detector.training.checkpoints import remove_checkpoints
    from deepfake_detector.training.ssd import train_ssd
    from deepfake_detector.training.train_classifier import (
        FaceClassifierPlan,
        train_face_classifier,
    )

    inputs = mlflow_tracking.hash_dvc_inputs("train")
    with mlflow_tracking.training_run(params, inputs, _read_run_id(fingerprint)) as run_id:
        write_json({"mlflow_run_id": run_id, "fingerprint": fingerprint}, UNFINISHED_RUN)
        (OUT / "face_classifier").mkdir(parents=True, exist_ok=True)  # empty without a classifier
        classifier = None
        if params.face_classifier.enabled:
            plan = FaceClassifierPlan(
                params.face_classifier,
                params.train.init,
                params.train.finetune_fraction,
                read_sources("train"),
                params.seed,
                fingerprint,
            )
            classifier = train_face_classifier(plan, shards, OUT, show_classifier_epoch)
            mlflow_tracking.log_file(OUT / "face_classifier/history.csv", "face_classifier")
        train_ssd(params, shards, OUT, fingerprint, log_epoch, classifier)
        write_for_inference(shards)
        start = find_start(params.detector, params.train.init, params.face_classifier.enabled)
        write_json({"released": start and start.as_posix()}, START)
        write_json({"mlflow_run_id": run_id}, OUT / "run.json")
        for name in ("history.csv", "last.keras"):
            mlflow_tracking.log_file(OUT / name)
    remove_checkpoints(OUT)


def write_for_inference(shards: Shards) -> None:
    """Write the detector for ONNX Runtime, compared with Keras on frames of validation.

    Where both differ, as of two faces that score alike, the folder is empty, and Keras is used.
    """
    from deepfake_detector.export.inference_files import ONNX_FOLDER, write_inference_files

    folder = OUT / ONNX_FOLDER
    try:
        write_inference_files(OUT, shards.validation or shards.train)
        logger.info("%s: for ONNX Runtime, the faces and logits that Keras finds", folder)
    except ValueError as error:
        logger.warning("%s; the detector will run in Keras", error)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()


def show_classifier_epoch(row: dict) -> None:
    """Show an epoch of one of the face classifier's networks to the person."""
    logger.info(
        "face classifier %d, epoch %d: loss %.3f, validation loss %.3f, AUC: frames %.3f, "
        "videos %.3f",
        row["network"],
        row["epoch"],
        row["train_loss"],
        row["validation_loss"],
        row["validation_frame_auc"],
        row["validation_video_auc"],
    )


def log_epoch(row: dict) -> None:
    """Show an epoch of the SSD to the person, and log it to MLflow."""
    logger.info(
        "epoch %d: loss %.3f, validation loss %.3f, AP real %.3f, AP fake %.3f, mAP@0.50 %.3f, "
        "mAP@0.50:0.95 %.3f, class-agnostic %.3f",
        row["epoch"],
        row["train_loss"],
        row["validation_loss"],
        row["validation_ap_real"],
        row["validation_ap_fake"],
        row["validation_map_50"],
        row["validation_map_50_95"],
        row["validation_class_agnostic_ap_50_95"],
    )
    mlflow_tracking.log_epoch(row)


def _read_run_id(fingerprint: str) -> str | None:
    """Read the MLflow run of the same training where it was interrupted; end another one's."""
    if not UNFINISHED_RUN.is_file():
        return None
    run = json.loads(UNFINISHED_RUN.read_text())
    if run["fingerprint"] == fingerprint:
        return run["mlflow_run_id"]
    logger.warning(
        "parameters, data or code are not those of the training that was interrupted: this one "
        "starts anew"
    )
    mlflow_tracking.end_killed_run(run["mlflow_run_id"])
    return None


if __name__ == "__main__":
    main()
