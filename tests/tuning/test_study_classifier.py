import hashlib

import pytest

from deepfake_detector.training import train_classifier
from deepfake_detector.tuning import study_classifier
from deepfake_detector.tuning.study import open_study
from deepfake_detector.tuning.study_classifier import (
    OWN,
    TRAINED,
    find_classifier,
    keep_classifier,
)


@pytest.fixture
def found(folder):
    """A file that stands for a trained face classifier, and how often it was asked for."""

    class Found:
        path, count = folder / "face_classifier.keras", 0

        def __call__(self):
            self.count += 1
            return self.path

    Found.path.write_bytes(b"first")
    return Found()


def test_a_study_takes_the_classifier_once_and_records_its_hash(study, found):
    kept = keep_classifier(study, found)
    assert study.user_attrs["face_classifier_sha256"] == hashlib.sha256(b"first").hexdigest()
    found.path.write_bytes(b"trained anew")
    assert keep_classifier(study, found) == kept
    assert kept.read_bytes() == b"first"
    assert found.count == 1


def test_a_study_does_not_go_on_with_another_classifier(study, found):
    keep_classifier(study, found).unlink()  # as on another machine
    TRAINED.parent.mkdir(parents=True)
    TRAINED.write_bytes(b"another")
    with pytest.raises(ValueError, match="is the face classifier that study first began with"):
        keep_classifier(study, found)
    assert found.count == 1  # none was trained for nothing
    TRAINED.write_bytes(b"first")
    assert keep_classifier(study, found).read_bytes() == b"first"


def test_a_copy_that_was_changed_is_rejected(study, found):
    keep_classifier(study, found).write_bytes(b"changed")
    with pytest.raises(ValueError, match=r"copy it to .*first/face_classifier\.keras from the"):
        keep_classifier(study, found)


def test_a_new_study_of_the_same_name_takes_no_old_copy(study, storage, found, rate_params):
    keep_classifier(study, found)
    found.path.write_bytes(b"second")
    storage.delete_study(study._study_id)
    again = open_study("first", storage, rate_params)
    assert keep_classifier(again, found).read_bytes() == b"second"


@pytest.fixture
def split(folder):
    """The tables and shards of a train and a validation video."""
    (folder / "artifacts/split").mkdir(parents=True)
    (folder / "artifacts/extract_frames").mkdir()
    for name in ("train", "validation"):
        table = f"video,source,frames\n{name}.mp4,p_{name},3\n"
        (folder / f"artifacts/split/{name}.csv").write_text(table)
        (folder / f"artifacts/extract_frames/{name}.mp4.tfrecord").write_bytes(name.encode())


@pytest.fixture
def trainings(monkeypatch):
    """Sources of the face classifiers that would have been trained, instead of training them."""
    trained = []

    def train(plan, shards, folder, report):
        trained.append(plan.sources)
        (folder / "face_classifier").mkdir(parents=True, exist_ok=True)
        (folder / "face_classifier/face_classifier.keras").write_bytes(b"%d" % len(trained))

    monkeypatch.setattr(train_classifier, "train_face_classifier", train)
    return trained


@pytest.mark.usefixtures("split")
def test_the_classifier_of_the_stage_train_is_taken_where_there_is_one(rate_params, trainings):
    TRAINED.parent.mkdir(parents=True)
    TRAINED.write_bytes(b"of train")
    assert find_classifier(rate_params) == TRAINED
    assert trainings == []


@pytest.mark.usefixtures("split")
def test_else_one_is_trained_for_all_studies_of_the_same_data(rate_params, trainings, folder):
    assert find_classifier(rate_params) == find_classifier(rate_params) == OWN
    assert trainings == [{"train.mp4": "p_train"}]
    (folder / "artifacts/extract_frames/train.mp4.tfrecord").write_bytes(b"new frames")
    find_classifier(rate_params)
    assert len(trainings) == 2
    assert study_classifier.OWN.read_bytes() == b"2"


@pytest.mark.usefixtures("split")
def test_it_starts_from_imagenet_whatever_the_stage_starts_from(rate_params, trainings):
    assert study_classifier.START == "imagenet"
    find_classifier(rate_params)
    train = rate_params.train.model_copy(update={"init": "released"})
    find_classifier(rate_params.model_copy(update={"train": train}))
    assert len(trainings) == 1
