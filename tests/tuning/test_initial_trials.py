from deepfake_detector.tuning.initial_trials import InitialTrial, enqueue_initial_trials
from deepfake_detector.tuning.study import run_trials

RATE = "train.schedule.learning_rate"
DEFAULT = InitialTrial("default", {RATE: 0.0006}, {RATE: 0.0006})
FITTED = InitialTrial("fitted", {RATE: 0.0006}, {RATE: 0.0006, "detector.anchors.scales": [0.1]})


def suggest_rate(trial):
    return trial.suggest_float(RATE, 0.0001, 0.01, log=True)


def test_the_default_is_trial_0_and_fitted_anchors_are_trial_1(study):
    enqueue_initial_trials(study, [DEFAULT, FITTED])
    run_trials(study, suggest_rate, 3, [])
    trials = study.get_trials()
    assert [trial.user_attrs.get("origin") for trial in trials] == ["default", "fitted", None]
    assert [trial.params[RATE] for trial in trials[:2]] == [0.0006, 0.0006]
    assert trials[2].params[RATE] != 0.0006
    assert trials[1].user_attrs["values"] == FITTED.values


def test_initial_trials_are_enqueued_once(study):
    enqueue_initial_trials(study, [DEFAULT])
    enqueue_initial_trials(study, [DEFAULT, FITTED])  # as after a worker that died between the two
    run_trials(study, suggest_rate, 2, [])
    enqueue_initial_trials(study, [DEFAULT, FITTED])
    assert [trial.user_attrs["origin"] for trial in study.get_trials()] == ["default", "fitted"]
