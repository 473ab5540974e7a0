"""Search better parameters: train many SSDs, and learn which values do best.

  python src/tune.py --trials 20        until the study has 20 trials; the same again goes on,
                                        and several at once share the work
  python src/tune.py --apply            writes the winner's values into params.yaml

What is searched stands in params.yaml, `tune`. Trials are compared by the mAP over both labels on
validation videos: boxes of the trial's SSD, labels of one face classifier. Videos of the test
split play no part.
"""

import argparse
import functools
import logging
import os
import subprocess
from pathlib import Path

from deepfake_detector import mlflow_tracking
from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import DATA
from deepfake_detector.common.files import write_text
from deepfake_detector.config.overrides import override_params
from deepfake_detector.config.schema import PARAMS_FILE, Params, load_params
from deepfake_detector.data.splits.listing import list_shards
from deepfake_detector.mlflow_tracking.study_runs import RUN
from deepfake_detector.training.model_selection import find_objective

PIPELINE = Path("dvc.yaml")
STUDY = "deepfake_detector"

logger = logging.getLogger("tune")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = parse_arguments()
    cli.run("tune", functools.partial(tune, asked), "the same command goes on with the study")


def tune(asked: argparse.Namespace) -> None:
    """Search, apply what was found, or both."""
    if asked.trials:
        bring_up_to_date()
        search(load_params(), asked.trials, asked.study, asked.storage)
    if asked.apply:
        apply_winner(load_params(), asked.study, asked.storage)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--trials", type=int, help="how many the study has in the end")
    parser.add_argument("--study", default=STUDY, help="its name (%(default)s)")
    parser.add_argument("--storage", help="database of a study of many machines, postgresql+…://…")
    parser.add_argument("--apply", action="store_true", help="write the winner into params.yaml")
    asked = parser.parse_args()
    if asked.trials is None and not asked.apply:
        parser.error("give --trials, --apply, or both")
    if asked.trials is not None and asked.trials < 1:
        parser.error(f"--trials: expected 1 or more, got {asked.trials}")
    return asked


def bring_up_to_date() -> None:
    """Let DVC validate, extract and split what has changed; one worker of a machine at a time.

    Raises:
        ValueError: DVC failed; it has said why.
    """
    from deepfake_detector.tuning.study import lock_studies

    pull = [] if DATA.exists() else ["--pull"]
    with lock_studies():
        finished = subprocess.run(["dvc", "repro", *pull, "split"])
    if finished.returncode != 0:
        raise ValueError("`dvc repro split` failed, so there is nothing to train on")


def search(params: Params, trials: int, name: str, storage_url: str | None) -> None:
    """Train trials until the study has as many as asked for, and write what it has found.

    Raises:
        ValueError: the parameters want several machines for a training.
    """
    if params.train.strategy == "multi_worker":
        raise ValueError(
            "train.strategy: a trial is trained on one machine, so take one or mirrored; several "
            "machines share a study through --storage"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import optuna

    from deepfake_detector.tuning.run_trial import log_end, run_trial
    from deepfake_detector.tuning.study import lock_studies, run_trials

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a stopped trial is told without traceback
    with lock_studies():
        study, context = prepare_study(params, name, storage_url)
    run, status = context.log, "KILLED"
    try:
        objective = functools.partial(run_trial, context=context)
        run_trials(study, objective, trials, [run, log_end])
        status = "FINISHED"
    finally:
        with lock_studies():
            report(study, run, find_objective(params))
            run.end(status)


def prepare_study(params: Params, name: str, storage_url: str | None):
    """Open a study or create it, with its initial trials, its face classifier and its MLflow run.

    Returns:
        The study, and the context of its trials.
    """
    from deepfake_detector.data.splits.listing import Shards, read_boxes
    from deepfake_detector.tuning.fingerprint import check_fingerprint, make_fingerprint
    from deepfake_detector.tuning.initial_trials import (
        TrainingFaces,
        enqueue_initial_trials,
        list_initial_trials,
    )
    from deepfake_detector.tuning.run_trial import TrialContext
    from deepfake_detector.tuning.study import open_storage, open_study
    from deepfake_detector.tuning.study_classifier import find_classifier, keep_classifier

    shards = Shards(train=list_shards("train"), validation=list_shards("validation"))
    study = open_study(name, open_storage(storage_url, params.tune.retries), params)
    check_fingerprint(study, make_fingerprint(params, [*shards.train, *shards.validation]))
    classifier = None
    if params.face_classifier.enabled:
        classifier = keep_classifier(study, functools.partial(find_classifier, params))
    faces = TrainingFaces(read_boxes(shards.train))
    enqueue_initial_trials(study, list_initial_trials(params, faces))
    run = mlflow_tracking.StudyRun(name, hash_inputs(), study.user_attrs.get(RUN))
    study.set_user_attr(RUN, run.run_id)
    return study, TrialContext(params, shards, faces, classifier, run)


def hash_inputs() -> dict[str, str]:
    """Look up what DVC says of the data that trials are trained on."""
    return mlflow_tracking.hash_dvc_inputs("train") if PIPELINE.is_file() else {}


def report(study, run: mlflow_tracking.StudyRun, objective: str) -> None:
    """Write tables and drawings of the study, log them to MLflow, and show the best trials.

    Args:
        objective: the column of `history.csv` whose best value a trial is compared by.
    """
    from deepfake_detector.tuning.results import find_winner, write_results
    from deepfake_detector.tuning.study import STUDIES

    folder = STUDIES / study.study_name
    trials = write_results(study, objective, folder)
    run.log_results(folder)
    run.end_open_trials(study)
    print(trials.sort_values("objective", ascending=False).head(10).to_string())
    if (trials["state"] == "complete").any():
        winner = find_winner(study)
        run.log_winner(winner.user_attrs.get(RUN), winner.number, winner.value)


def apply_winner(params: Params, name: str, storage_url: str | None) -> None:
    """Write the winner's values into params.yaml where they differ; comments stay.

    Raises:
        ValueError: there is no such study, or no trial of it came to the end.
    """
    from deepfake_detector.tuning.results import find_winner, list_changes
    from deepfake_detector.tuning.study import load_study

    winner = find_winner(load_study(name, storage_url))
    changes = list_changes(winner, params)
    text, _ = override_params(PARAMS_FILE.read_text(encoding="utf-8"), changes)
    write_text(text, PARAMS_FILE)
    logger.info("trial %d had the best objective, %.4f", winner.number, winner.value)
    for key, value in changes.items():
        logger.info("params.yaml now says %s: %s", key, value)
    if not changes:
        logger.info("params.yaml has its values already")


if __name__ == "__main__":
    main()
