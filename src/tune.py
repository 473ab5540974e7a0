"""Search better parameters: train many detectors, keep in mind which values did best.

  python src/tune.py --trials 20        until the study has 20 trials; the same again goes on,
                                        and several at once share the work
  python src/tune.py --apply            writes the winner's values into params.yaml

What is searched stands in params.yaml, `tune`. Trials are compared on validation videos; those of
the test split play no part.
"""

import argparse
import functools
import logging
import os
import subprocess
from pathlib import Path

from deepfake_detector import mlflow_tracking
from deepfake_detector.config.overrides import override_params
from deepfake_detector.config.schema import PARAMS_FILE, Params, load_params
from deepfake_detector.data.splits.listing import list_shards
from deepfake_detector.training.model_selection import find_objective

DATA, PIPELINE = Path("data"), Path("dvc.yaml")
STUDY = "deepfake_detector"
RUN = "mlflow_run_id"
"""Under which a study and a trial remember their run."""

logger = logging.getLogger("tune")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = parse_arguments()
    try:
        if asked.trials:
            bring_up_to_date(asked.study)
            search(load_params(), asked.trials, asked.study, asked.storage)
        if asked.apply:
            apply_winner(load_params(), asked.study, asked.storage)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"tune: {error}") from error
    except KeyboardInterrupt as error:
        raise SystemExit("tune: stopped; the same command goes on with the study") from error


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--trials", type=int, help="how many the study shall have in the end")
    parser.add_argument("--study", default=STUDY, help="its name (%(default)s)")
    parser.add_argument("--storage", help="database of a study of many machines, postgresql+…://…")
    parser.add_argument("--apply", action="store_true", help="write the winner into params.yaml")
    asked = parser.parse_args()
    if asked.trials is None and not asked.apply:
        parser.error("give --trials, --apply, or both")
    if asked.trials is not None and asked.trials < 1:
        parser.error(f"--trials: expected 1 or more, got {asked.trials}")
    return asked


def bring_up_to_date(study: str) -> None:
    """Let DVC validate, extract and split what has changed; one worker of a machine at a time.

    Raises:
        ValueError: DVC failed; it has said why.
    """
    from deepfake_detector.tuning.study import lock_study

    pull = [] if DATA.exists() else ["--pull"]
    with lock_study(study):
        finished = subprocess.run(["dvc", "repro", *pull, "split"])
    if finished.returncode != 0:
        raise ValueError("`dvc repro split` failed, so there is nothing to train on")


def search(params: Params, trials: int, name: str, storage_url: str | None) -> None:
    """Train trials until the study has as many as asked for, and write what it has found."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from deepfake_detector.data.splits.listing import Shards, read_boxes
    from deepfake_detector.tuning.initial_trials import TrainingFaces
    from deepfake_detector.tuning.queue import retry_lost_trial
    from deepfake_detector.tuning.run_trial import TrialContext
    from deepfake_detector.tuning.study import (
        lock_study,
        make_fingerprint,
        open_storage,
        open_study,
    )
    from deepfake_detector.tuning.workers import Worker

    shards = Shards(train=list_shards("train"), validation=list_shards("validation"))
    context = TrialContext(params, shards, TrainingFaces(read_boxes(shards.train)))
    storage = open_storage(
        storage_url, functools.partial(retry_lost_trial, most=params.tune.retries)
    )
    fingerprint = make_fingerprint(params, [*shards.train, *shards.validation])
    with lock_study(name):
        study = open_study(name, storage, params, fingerprint)
        run = mlflow_tracking.StudyRun(name, hash_inputs(), study.user_attrs.get(RUN))
        study.set_user_attr(RUN, run.run_id)
    status = "KILLED"
    try:
        Worker(study, storage, context, MlflowTrialLogger(run)).run(trials)
        status = "FINISHED"
    finally:
        with lock_study(name):
            report(study, run, find_objective(params))
            run.end(status)


def hash_inputs() -> dict[str, str]:
    """Look up what DVC says of the data that trials are trained on."""
    return mlflow_tracking.hash_dvc_inputs("train") if PIPELINE.is_file() else {}


class MlflowTrialLogger:
    """Tells MLflow of the trial at hand, and the trial of its run."""

    def __init__(self, run: mlflow_tracking.StudyRun):
        self._run = run

    def begin_trial(self, trial, params: Params) -> None:
        run_id = self._run.begin_trial(trial.number, trial.user_attrs["origin"], params)
        trial.set_user_attr(RUN, run_id)

    def log_epoch(self, row: dict) -> None:
        mlflow_tracking.log_epoch(row)

    def end_trial(self, state: str, reason: str, figures: dict[str, float]) -> None:
        self._run.end_trial(state, reason, figures)


def report(study, run: mlflow_tracking.StudyRun, objective: str) -> None:
    """Write tables and drawings of the study, tell MLflow, and show the best trials.

    Args:
        objective: the column of `history.csv` whose best value a trial is compared by.
    """
    from deepfake_detector.plots.study_charts import (
        draw_history,
        draw_importance,
        draw_parallel,
        draw_slices,
    )
    from deepfake_detector.plots.style import save_figure
    from deepfake_detector.tuning.results import (
        find_winner,
        list_entries,
        list_lost_runs,
        rank_parameters,
        tabulate_trials,
    )
    from deepfake_detector.tuning.study import STUDIES

    folder = STUDIES / study.study_name
    folder.mkdir(parents=True, exist_ok=True)
    trials, entries, subject = (
        tabulate_trials(study),
        list_entries(study),
        f"study {study.study_name}, objective: best {objective}",
    )
    trials.to_csv(folder / "trials.csv", index=False)
    save_figure(draw_history(trials, subject), folder / "history.png")
    save_figure(draw_importance(rank_parameters(study), subject), folder / "importance.png")
    if entries:
        save_figure(draw_parallel(trials, entries, subject), folder / "parallel_coordinates.png")
        save_figure(draw_slices(trials, entries, subject), folder / "slices.png")
    run.log_results(folder)
    for run_id in list_lost_runs(study, RUN):
        run.end_lost_trial(run_id)
    print(trials.sort_values("objective", ascending=False).head(10).to_string())
    if (trials["state"] == "complete").any():
        winner = find_winner(study)
        run.log_winner(winner.user_attrs[RUN], winner.number, winner.value)


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
    partial = PARAMS_FILE.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(PARAMS_FILE)
    logger.info("trial %d had the best objective, %.4f", winner.number, winner.value)
    for key, value in changes.items():
        logger.info("params.yaml now says %s: %s", key, value)
    if not changes:
        logger.info("params.yaml has its values already")


if __name__ == "__main__":
    main()
