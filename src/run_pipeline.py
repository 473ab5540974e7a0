"""Run the pipeline with values of `params.yaml` by name; `mlflow run . -P epochs=15` calls this.

  python src/run_pipeline.py --epochs 15 --learning_rate 0.001 --train.batch_size 8

A name is a dotted one, or a last part of it that only one parameter has. The values are written
into params.yaml, and DVC runs what they change, as an experiment that `dvc exp show` lists.
`--preset NAME` stands for all values of configs/NAME.yaml; those given beside it win.
Without values it runs whatever is not up to date.
"""

import csv
import json
import logging
import math
import os
import subprocess
import sys
from pathlib import Path

from deepfake_detector import mlflow_tracking
from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import CALIBRATED, DATA, EVALUATED, RELEASED, TRAINED
from deepfake_detector.common.files import write_text
from deepfake_detector.config.overrides import override_params, parse_names, read_preset
from deepfake_detector.config.schema import PARAMS_FILE, Params, load_params
from deepfake_detector.evaluation.detection_report import metrics_to_text
from deepfake_detector.models.released_folder import pull_released

PRESETS = Path("configs")
METRICS = EVALUATED / "metrics.json"
VERDICT_METRICS = CALIBRATED / "metrics.json"

logger = logging.getLogger("run_pipeline")


def main() -> None:
    if "-h" in sys.argv or "--help" in sys.argv:
        print(__doc__.strip())
        return
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("run_pipeline", lambda: run_pipeline(sys.argv[1:]))


def run_pipeline(words: list[str]) -> None:
    """Run what `--name value` words change, and print the detector's metrics.

    Raises:
        ValueError: a word is not a parameter's name or value, or the released detector, which the
            training starts from, cannot be fetched.
        SystemExit: DVC failed, with its exit code.
    """
    values = write_params(words)
    pull_released(RELEASED)
    command = make_command(bool(values))
    logger.info("running `%s`", " ".join(command))
    finished = subprocess.run(command, env=make_environment())
    if finished.returncode != 0:
        raise SystemExit(finished.returncode)
    params = load_params()
    figures = json.loads(METRICS.read_text(encoding="utf-8"))["test"]
    if "MLFLOW_RUN_ID" in os.environ:
        complete_run(params)
    print(f"\n{metrics_to_text(fill_in_nan(figures), params.evaluate.iou_threshold)}")


def write_params(words: list[str]) -> dict[str, str]:
    """Write `--name value` words into params.yaml; give the values by their full names."""
    before = PARAMS_FILE.read_text(encoding="utf-8")
    given = parse_names(words)
    preset = given.pop("preset", None)
    chosen = {} if preset is None else read_preset(preset, PRESETS)
    text, values = override_params(before, chosen | given)
    if text != before:
        write_text(text, PARAMS_FILE)
        logger.info("params.yaml now says %s", ", ".join(f"{k}: {v}" for k, v in values.items()))
    return values


def make_command(has_values: bool) -> list[str]:
    """Choose what DVC does: an experiment where values are given and git can record it."""
    pull = [] if DATA.exists() else ["--pull"]  # the sample, unless somebody's own data is there
    if has_values and mlflow_tracking.read_git_commit() is not None:
        return ["dvc", "exp", "run", *pull]
    if has_values:
        logger.warning("no git commit here, so `dvc exp show` will not list this experiment")
    return ["dvc", "repro", *pull]


def make_environment() -> dict[str, str]:
    """Give git, which records experiments, a name where the machine has not told it one."""
    name = subprocess.run(["git", "config", "user.email"], capture_output=True).stdout
    identity = {} if name.strip() else {"NAME": "nobody", "EMAIL": "nobody@localhost"}
    roles = {f"GIT_{who}_{k}": v for who in ("AUTHOR", "COMMITTER") for k, v in identity.items()}
    return {**roles, **os.environ}


def complete_run(params: Params) -> None:
    """Let the run of `mlflow run` show its result also where DVC found everything done before."""
    with (TRAINED / "history.csv").open(newline="", encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    trained_in = json.loads((TRAINED / "run.json").read_text(encoding="utf-8"))["mlflow_run_id"]
    with mlflow_tracking.training_run(params, mlflow_tracking.hash_dvc_inputs("train")) as run_id:
        for row in history:
            figures = {name: float(value) for name, value in row.items()}
            mlflow_tracking.log_epoch(figures | {"epoch": int(row["epoch"])})
        if not mlflow_tracking.has_evaluation():
            for metrics in (METRICS, VERDICT_METRICS):
                mlflow_tracking.log_evaluation(name_metrics(metrics), metrics.parent)
        if run_id != trained_in:
            mlflow_tracking.log_training_run(trained_in)


def name_metrics(metrics: Path) -> dict:
    """Read figures under their names in a run: `test_map_50`, `validation_video_auc`, ..."""
    splits = json.loads(metrics.read_text(encoding="utf-8"))
    return {
        f"{split}_{name}": v for split, figures in splits.items() for name, v in figures.items()
    }


def fill_in_nan(figures: dict) -> dict:
    """Turn the nulls of a JSON file back into NaN."""
    return {name: math.nan if value is None else value for name, value in figures.items()}


if __name__ == "__main__":
    main()
