"""What a study has found so far: the winner, the table of trials, what mattered."""

import json
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from deepfake_detector.common.tables import write_table
from deepfake_detector.config.schema import Params, flatten_params
from deepfake_detector.plots.study_charts import (
    draw_history,
    draw_importance,
    draw_parallel,
    draw_slices,
)
from deepfake_detector.plots.style import save_figure
from deepfake_detector.tuning.study import MEAN_BEST_IOU, ORIGIN, REASON, RECALL, VALUES

_TRIALS_TO_RANK = 4


def find_winner(study: optuna.Study) -> FrozenTrial:
    """Find the trial with the best objective, the first of equals.

    Raises:
        ValueError: no trial has been trained to the end.
    """
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    if not complete:
        raise ValueError(f"study {study.study_name}: no trial has been trained to the end yet")
    return max(complete, key=lambda trial: (trial.value, -trial.number))


def list_changes(winner: FrozenTrial, params: Params) -> dict[str, str]:
    """List the winner's values that differ from the parameters, as text for `override_params`."""
    now = flatten_params(params)
    changed = {k: value for k, value in winner.user_attrs[VALUES].items() if value != now[k]}
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in changed.items()}


def tabulate_trials(study: optuna.Study) -> pd.DataFrame:
    """List the trials that have ended.

    Returns:
        `trial, state, origin, objective, epochs, seconds`, of the anchors `best_possible_recall`
        and `mean_best_iou`, `reason`, and one column for each entry of a point, NaN or None where
        a trial had none.
    """
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    rows = [_trial_to_row(trial) for trial in ended]
    return pd.DataFrame(rows, columns=[*COLUMNS, *list_entries(study)])


COLUMNS = [
    *("trial", "state", "origin", "objective", "epochs", "seconds"),
    *(RECALL, MEAN_BEST_IOU, "reason"),
]


def list_entries(study: optuna.Study) -> list[str]:
    """List the entries of the study's points, in the order of the space."""
    trials = study.get_trials(deepcopy=False)
    return list(dict.fromkeys(name for trial in trials for name in trial.params))


def write_results(study: optuna.Study, objective: str, folder: Path) -> pd.DataFrame:
    """Write the table of trials and the drawings of the study into a folder.

    Args:
        objective: the column of `history.csv` whose best value a trial is compared by.

    Returns:
        The table, as `tabulate_trials` returns it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trials, entries = tabulate_trials(study), list_entries(study)
    subject = f"study {study.study_name}, objective: best {objective}"
    write_table(trials, folder / "trials.csv")
    save_figure(draw_history(trials, subject), folder / "history.png")
    save_figure(draw_importance(rank_parameters(study), subject), folder / "importance.png")
    if entries:
        save_figure(draw_parallel(trials, entries, subject), folder / "parallel_coordinates.png")
        save_figure(draw_slices(trials, entries, subject), folder / "slices.png")
    return trials


def _trial_to_row(trial: FrozenTrial) -> dict[str, Any]:
    failed = trial.state == TrialState.FAIL
    best = max(trial.intermediate_values.values(), default=float("nan"))
    return {
        "trial": trial.number,
        "state": trial.state.name.lower(),
        "origin": trial.user_attrs.get(ORIGIN),
        "objective": best if trial.value is None else trial.value,
        "epochs": len(trial.intermediate_values),
        "seconds": trial.duration.total_seconds() if trial.duration else float("nan"),
        RECALL: trial.user_attrs.get(RECALL),
        MEAN_BEST_IOU: trial.user_attrs.get(MEAN_BEST_IOU),
        "reason": trial.user_attrs.get(REASON, "its worker ended" if failed else ""),
        **trial.params,
    }


def rank_parameters(study: optuna.Study) -> pd.Series:
    """Rank the entries of the points by how much the result depends on them (PED-ANOVA).

    Watanabe et al. 2023, *PED-ANOVA*.

    Returns:
        Fractions that add up to 1, by entry, largest first; empty with fewer than four trials that
        came to the end, or where all did equally well.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _TRIALS_TO_RANK or len({trial.value for trial in complete}) == 1:
        return pd.Series(dtype=float)
    return pd.Series(optuna.importance.get_param_importances(study), dtype=float)
