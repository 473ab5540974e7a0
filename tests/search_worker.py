"""A worker of a search whose trials take a moment: `python search_worker.py TRIALS`."""

import sys
import time

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.tuning import study as studies
from deepfake_detector.tuning.initial_trials import InitialTrial, enqueue_initial_trials

RATE = "train.schedule.learning_rate"
POINT = {RATE: 0.0006}
INITIAL = [InitialTrial("default", POINT, POINT), InitialTrial("fitted", POINT, POINT)]
TRIAL_SECONDS = 1.5


def take_time(trial):
    rate = trial.suggest_float(RATE, 0.0001, 0.01, log=True)
    sys.stdout.write(f"{trial.number}\n")
    sys.stdout.flush()
    time.sleep(TRIAL_SECONDS)
    return rate


if __name__ == "__main__":
    studies.HEARTBEAT_SECONDS, studies.GRACE_SECONDS = 1, 3
    params = load_params(PROJECT / "params.yaml")
    with studies.lock_studies():
        study = studies.open_study("shared", studies.open_storage(None, retries=1), params)
        enqueue_initial_trials(study, INITIAL)
    studies.run_trials(study, take_time, int(sys.argv[1]), [])
