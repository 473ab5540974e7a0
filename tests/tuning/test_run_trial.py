"""Trials with a training that is replaced: `train_ssd` reports what a test wants."""

import functools

import keras
import optuna
import pytest

from deepfake_detector.config.schema import Params
from deepfake_detector.models.ssd.anchor_recall import AnchorRecall
from deepfake_detector.tuning import run_trial as trials
from deepfake_detector.tuning.initial_trials import enqueue_initial_trials, list_initial_trials
from deepfake_detector.tuning.results import find_winner, list_changes, tabulate_trials
from deepfake_detector.tuning.run_trial import TrialContext, run_trial
from deepfake_detector.tuning.study import STUDIES, open_study, run_trials

RATE, OBJECTIVE = "train.schedule.learning_rate", "validation_map_50_95"


class Faces:
    """Faces that anchors with a first scale under 0.05 hardly match."""

    def measure(self, params):
        return AnchorRecall(1.0 if params.anchors.scales[0] >= 0.05 else 0.2, 0.7)

    def fit(self, anchors):
        return anchors.model_copy(update={"scales": [0.01, *anchors.scales[1:]]})


class Log:
    """Keeps what it is told, as the callback of MLflow would."""

    def __init__(self):
        self.told = []

    def begin_trial(self, trial, params):
        self.told.append(("begin", trial.number, params.train.schedule.learning_rate))

    def log_epoch(self, row):
        self.told.append(("epoch", row["epoch"], row[OBJECTIVE]))

    def __call__(self, study, trial):
        self.told.append(("end", trial.state.name, trial.value))


@pytest.fixture
def train(monkeypatch):
    """Let every training report `train.scores`, and raise one that is an error."""

    class Training:
        scores = (0.2, 0.5, 0.4)
        runs, classifier = 0, None

        def __call__(self, params, shards, folder, fingerprint, report, classifier=None):
            self.runs, self.classifier = self.runs + 1, classifier
            folder.mkdir(parents=True)
            for epoch, score in enumerate(self.scores, start=1):
                if isinstance(score, BaseException):
                    raise score
                report({"epoch": epoch, OBJECTIVE: score})

    training = Training()
    monkeypatch.setattr(trials.ssd, "train_ssd", training)
    return training


def work(study, params, count, classifier=None):
    """Work on a study as `tune` does; return what the log is told."""
    context = TrialContext(params, None, Faces(), classifier, Log())
    enqueue_initial_trials(study, list_initial_trials(params, context.faces))
    objective = functools.partial(run_trial, context=context)
    try:
        run_trials(study, objective, count, [context.log])
    finally:
        study.told = context.log.told
    return study.told


def list_states(study):
    return [trial.state.name for trial in study.get_trials()]


def test_a_trial_is_as_good_as_its_best_epoch(study, rate_params, train):
    assert work(study, rate_params, 1) == [
        ("begin", 0, 0.0006),
        ("epoch", 1, 0.2),
        ("epoch", 2, 0.5),
        ("epoch", 3, 0.4),
        ("end", "COMPLETE", 0.5),
    ]
    assert study.best_value == 0.5


def test_a_trial_leaves_no_checkpoint(study, rate_params, train):
    work(study, rate_params, 1)
    assert [path for path in (STUDIES / "first").rglob("*") if path.is_dir()] == []


def test_a_study_goes_on_where_it_was(study, rate_params, train):
    work(study, rate_params, 1)
    work(study, rate_params, 1)
    assert train.runs == 1
    work(study, rate_params, 3)
    assert train.runs == 3
    origins = [trial.user_attrs["origin"] for trial in study.get_trials()]
    assert origins == ["default", "sampled", "sampled"]


def test_faces_are_labelled_by_the_classifier_of_the_study(study, rate_params, train, folder):
    image = keras.Input((1,))
    keras.Model(image, keras.layers.Dense(1)(image), name="labels").save("classifier.keras")
    work(study, rate_params, 1, folder / "classifier.keras")
    assert train.classifier.name == "labels"
    work(study, rate_params, 2)
    assert train.classifier is None  # labels of the SSD


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FloatingPointError("the loss is nan"), "FloatingPointError: the loss is nan"),
        (MemoryError(), "MemoryError"),
        (float("nan"), "epoch 2: validation_map_50_95 is nan"),
    ],
)
def test_a_trial_that_cannot_be_trained_is_pruned_and_the_study_goes_on(
    study, rate_params, train, error, expected
):
    train.scores = (0.3, error)
    told = work(study, rate_params, 2)
    assert list_states(study) == ["PRUNED", "PRUNED"]
    assert told[-1] == ("end", "PRUNED", 0.3)
    assert expected in tabulate_trials(study)["reason"][0]
    with pytest.raises(ValueError, match="no trial has been trained to the end"):
        find_winner(study)


def test_hopeless_anchors_are_not_trained_with(study, project_params, train):
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
    told = work(study, Params.model_validate(content), 2)
    assert list_states(study) == ["COMPLETE", "PRUNED"]  # the default, and the fitted ones
    assert train.runs == 1
    assert told[-1] == ("end", "PRUNED", None)
    trial = study.get_trials()[1]
    assert trial.user_attrs["origin"] == "fitted"
    assert trial.user_attrs["values"]["detector.anchors.scales"][0] == 0.01
    assert trial.params["detector.anchors.scales.min_scale"] == 0.02  # the nearest point
    assert "anchors match 20.0% of the training faces" in trial.user_attrs["reason"]


def test_a_trial_worse_than_the_others_is_stopped_early(study, rate_params, train):
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)
    work(study, rate_params, 1)
    train.scores = (0.1, 0.9, 0.9)
    told = work(study, rate_params, 2)
    assert list_states(study) == ["COMPLETE", "PRUNED"]
    assert told[-2:] == [("epoch", 1, 0.1), ("end", "PRUNED", 0.1)]
    assert find_winner(study).number == 0


def test_a_trial_stopped_from_the_keyboard_waits_again(study, rate_params, train):
    train.scores = (0.3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        work(study, rate_params, 1)
    assert list_states(study) == ["FAIL", "WAITING"]
    assert tabulate_trials(study)["reason"].tolist() == ["stopped from the keyboard"]
    train.scores = (0.3, 0.6)
    told = work(study, rate_params, 1)
    assert list_states(study) == ["FAIL", "COMPLETE"]
    assert told[0] == ("begin", 1, 0.0006)
    assert study.get_trials()[1].user_attrs["origin"] == "default"


def test_a_sampled_trial_that_was_stopped_keeps_its_values(storage, rate_params, train):
    study = open_study("sampled", storage, rate_params)
    work(study, rate_params, 1)
    train.scores = (KeyboardInterrupt(),)
    with pytest.raises(KeyboardInterrupt):
        work(study, rate_params, 2)
    train.scores = (0.6,)
    work(study, rate_params, 2)
    stopped, again = study.get_trials()[1:]
    assert again.user_attrs["values"] == stopped.user_attrs["values"]
    assert again.params == stopped.params


def test_the_winner_s_changes_are_those_of_params(study, rate_params, train):
    train.scores = (0.3,)
    work(study, rate_params, 1)
    train.scores = (0.6,)
    work(study, rate_params, 2)
    winner = find_winner(study)
    assert winner.number == 1
    rate = winner.user_attrs["values"][RATE]
    assert list_changes(winner, rate_params) == {RATE: str(rate)}
    changed = rate_params.model_dump(by_alias=True)
    changed["train"]["schedule"]["learning_rate"] = rate
    assert list_changes(winner, Params.model_validate(changed)) == {}


def test_a_study_without_a_finished_trial_has_no_winner(study):
    with pytest.raises(ValueError, match="no trial has been trained to the end yet"):
        find_winner(study)
