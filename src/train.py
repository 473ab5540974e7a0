"""Stage `train`: teach the detector on the train split, choose the epoch on validation."""

import argparse
import hashlib
import json
import logging
from pathlib import Path

from deepfake_detector import mlflow_tracking
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.data.splits.listing import list_shards, read_sources

OUT = Path("artifacts/train")
UNFINISHED_RUN = Path("artifacts/train_unfinished/run.json")
PACKAGE = Path(__file__).parent / "deepfake_detector"

logger = logging.getLogger("train")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        train(load_params())
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        raise SystemExit(f"train: {error}") from error
    except KeyboardInterrupt as error:
        raise SystemExit(
            "train: stopped; the same command goes on after the last epoch"
        ) from error


def train(params: Params) -> None:
    """Train on the train split, validate on the validation split, write `artifacts/train`."""
    from deepfake_detector.training.checkpoints import remove_checkpoints
    from deepfake_detector.training.face_classifier import (
        FaceClassifierPlan,
        train_face_classifier,
    )
    from deepfake_detector.training.ssd import Shards, train_detector

    shards = Shards(train=list_shards("train"), validation=list_shards("validation"))
    inputs = mlflow_tracking.hash_dvc_inputs("train")
    fingerprint = make_fingerprint(params, shards)
    with mlflow_tracking.training_run(params, inputs, _read_run_id(fingerprint)) as run_id:
        _write_json(UNFINISHED_RUN, {"mlflow_run_id": run_id, "fingerprint": fingerprint})
        train_detector(params, shards, OUT, fingerprint, log_epoch)
        _write_json(OUT / "run.json", {"mlflow_run_id": run_id})
        for name in ("history.csv", "last.keras"):
            mlflow_tracking.log_file(OUT / name)
        (OUT / "face_classifier").mkdir(exist_ok=True)  # empty without a face classifier
        if params.face_classifier.enabled:
            plan = FaceClassifierPlan(
                params.face_classifier, read_sources("train"), params.seed, fingerprint
            )
            train_face_classifier(plan, shards, OUT, log_classifier_epoch)
            mlflow_tracking.log_file(OUT / "face_classifier/history.csv", "face_classifier")
    remove_checkpoints(OUT)


def log_classifier_epoch(row: dict[str, float]) -> None:
    """Show an epoch of one of the face classifier's networks to the person and to MLflow."""
    logger.info(
        "face classifier %d, epoch %d: loss %.3f, validation loss %.3f, AUC: frames %.3f, videos %.3f",
        row["network"],
        row["epoch"],
        row["train_loss"],
        row["validation_loss"],
        row["validation_frame_auc"],
        row["validation_video_auc"],
    )
    name = f"face_classifier_{row['network']}"
    values = {key: row[key] for key in row if key not in ("network", "epoch")}
    known = {f"{name}_{key}": value for key, value in values.items() if value == value}
    mlflow_tracking.log_epoch(row["epoch"], known)


def log_epoch(epoch: int, row: dict[str, float]) -> None:
    """Show an epoch to the person and to MLflow."""
    logger.info(
        "epoch %d: loss %.3f, validation loss %.3f, AP real %.3f, AP fake %.3f, mAP %.3f, "
        "class-agnostic AP (COCO) %.3f",
        epoch,
        row["train_loss"],
        row["validation_loss"],
        row["validation_ap_real"],
        row["validation_ap_fake"],
        row["validation_map_50"],
        row["validation_class_agnostic_ap_50_95"],
    )
    mlflow_tracking.log_epoch(epoch, {key: value for key, value in row.items() if key != "epoch"})


def make_fingerprint(params: Params, shards) -> str:
    """Hash everything a training depends on: parameters, frames and code."""
    digest = hashlib.sha256()
    sections = (params.detector, params.train, params.face_classifier)
    for section in (params.seed, *(section.model_dump() for section in sections)):
        digest.update(json.dumps(section, sort_keys=True).encode())
    for path in [*shards.train, *shards.validation, *sorted(PACKAGE.rglob("*.py"))]:
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _read_run_id(fingerprint: str) -> str | None:
    """Read the MLflow run of the same training where it was interrupted."""
    if not UNFINISHED_RUN.is_file():
        return None
    run = json.loads(UNFINISHED_RUN.read_text())
    return run["mlflow_run_id"] if run["fingerprint"] == fingerprint else None


def _write_json(path: Path, values: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(values) + "\n")
    partial.replace(path)


if __name__ == "__main__":
    main()
