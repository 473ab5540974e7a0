"""A worker with a training that is replaced: `train_detector` reports what a test wants."""

import optuna
import pytest

from deepfake_detector.config.schema import Params
from deepfake_detector.models.ssd.anchor_recall import AnchorRecall
from deepfake_detector.tuning import trials
from deepfake_detector.tuning.results import find_winner, list_changes, tabulate_trials
from deepfake_detector.tuning.run_trial import TrialContext
from deepfake_detector.tuning.study import STUDIES
from deepfake_detector.tuning.workers import Worker

RATE = "train.schedule.learning_rate"


class Faces:
    """Faces that anchors with a first scale under 0.05 hardly reach."""

    def measure(self, params):
        return AnchorRecall(1.0 if params.anchors.scales[0] >= 0.05 else 0.2, 0.7)

    def fit(self, anchors):
        return anchors.model_copy(update={"scales": [0.01, *anchors.scales[1:]]})


class TrialLogger:
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def begin_trial(self, trial, params):
        self.told.append(("begin", trial.number, params.train.schedule.learning_rate))

    def log_epoch(self, epoch, row):
        self.told.append(("epoch", epoch, row["validation_class_agnostic_ap_50_95"]))

    def end_trial(self, state, reason, figures):
        self.told.append(("end", state, figures.get("objective")))


@pytest.fixture
def train(monkeypatch):
    """Let every training report `train.scores`, and raise one that is an error."""

    class Training:
        scores = (0.2, 0.5, 0.4)
        runs = 0

        def __call__(self, params, shards, folder, fingerprint, report):
            self.runs += 1
            folder.mkdir(parents=True)
            for epoch, score in enumerate(self.scores, start=1):
                if isinstance(score, BaseException):
                    raise score
                report(epoch, {"epoch": epoch, "validation_class_agnostic_ap_50_95": score})

    training = Training()
    monkeypatch.setattr(trials, "train_detector", training)
    return training


def work(opened, params, count):
    study, storage = opened
    trial_logger = TrialLogger()
    Worker(study, storage, TrialContext(params, None, Faces()), trial_logger).run(count)
    return trial_logger.told


def list_states(study):
    return [trial.state.name for trial in study.get_trials()]


def test_a_trial_is_as_good_as_its_best_epoch(opened, rate_params, train):
    told = work(opened, rate_params, 1)
    assert told == [
        ("begin", 0, 0.0006),
        ("epoch", 1, 0.2),
        ("epoch", 2, 0.5),
        ("epoch", 3, 0.4),
        ("end", "COMPLETE", 0.5),
    ]
    assert opened[0].best_value == 0.5


def test_a_trial_leaves_no_checkpoint(opened, rate_params, train):
    work(opened, rate_params, 1)
    assert [path for path in (STUDIES / "first").rglob("*") if path.is_dir()] == []


def test_a_study_goes_on_where_it_was(opened, rate_params, train):
    work(opened, rate_params, 1)
    work(opened, rate_params, 1)
    assert train.runs == 1
    work(opened, rate_params, 3)
    assert train.runs == 3
    assert list_states(opened[0]) == ["COMPLETE"] * 3


@pytest.mark.parametrize(
    "error", [FloatingPointError("the loss is nan"), MemoryError(), float("nan")]
)
def test_a_trial_that_fails_is_noted_and_the_study_goes_on(opened, rate_params, train, error):
    train.scores = (0.3, error)
    told = work(opened, rate_params, 2)
    assert list_states(opened[0]) == ["FAIL", "FAIL"]
    assert told[-1] == ("end", "FAIL", None)
    assert "Error" in tabulate_trials(opened[0])["reason"][0]


def test_hopeless_anchors_are_not_trained_with(opened, project_params, train):
    spaces = [
        {
            "name": "detector.anchors.scales",
            "min_scale": [0.02, 0.2],
            "max_scale": [0.8, 1.2],
            "spacing": [1.0, 2.0],
        }
    ]
    content = project_params.model_dump(by_alias=True)
    content["tune"] |= {"space": spaces}
    told = work(opened, Params.model_validate(content), 2)
    assert list_states(opened[0]) == ["COMPLETE", "PRUNED"]  # the default, and the fitted ones
    assert train.runs == 1
    assert told[-1] == ("end", "PRUNED", None)
    trial = opened[0].get_trials()[1]
    assert trial.user_attrs["origin"] == "fitted"
    assert trial.user_attrs["values"]["detector.anchors.scales"][0] == 0.01
    assert "anchors reach 20.0% of the training faces" in trial.user_attrs["reason"]


def test_a_trial_worse_than_the_others_is_stopped_early(opened, rate_params, train):
    study, _ = opened
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)
    work(opened, rate_params, 1)
    train.scores = (0.1, 0.9, 0.9)
    told = work(opened, rate_params, 2)
    assert list_states(study) == ["COMPLETE", "PRUNED"]
    assert told[-2:] == [("epoch", 1, 0.1), ("end", "PRUNED", 0.1)]
    assert find_winner(study).number == 0


def test_a_trial_stopped_from_the_keyboard_waits_again(opened, rate_params, train):
    train.scores = (0.3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        work(opened, rate_params, 1)
    assert list_states(opened[0]) == ["FAIL", "WAITING"]
    train.scores = (0.3, 0.6)
    told = work(opened, rate_params, 1)
    assert list_states(opened[0]) == ["FAIL", "COMPLETE"]
    assert told[0] == ("begin", 1, 0.0006)


def test_the_winner_s_changes_are_those_of_params(opened, rate_params, train):
    train.scores = (0.3,)
    work(opened, rate_params, 1)
    train.scores = (0.6,)
    work(opened, rate_params, 2)
    winner = find_winner(opened[0])
    assert winner.number == 1
    rate = winner.user_attrs["values"][RATE]
    assert list_changes(winner, rate_params) == {RATE: str(rate)}
    changed = rate_params.model_dump(by_alias=True)
    changed["train"]["schedule"]["learning_rate"] = rate
    assert list_changes(winner, Params.model_validate(changed)) == {}


def test_a_study_without_a_finished_trial_has_no_winner(opened):
    with pytest.raises(ValueError, match="no trial has been trained to the end yet"):
        find_winner(opened[0])
