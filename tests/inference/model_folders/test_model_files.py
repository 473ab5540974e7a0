"""Which model is taken: trained, released, a folder; and that its files belong together."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from builders import DETECTOR_SHA256, make_calibration, write_calibration
from clips import SeesColors
from deepfake_detector.common.files import hash_file
from deepfake_detector.inference.detector import FACE_CLASSIFIER, Detector
from deepfake_detector.inference.model_folders import model_files
from deepfake_detector.inference.model_folders.model_files import find_files, load_model
from deepfake_detector.models import released_folder
from small_detector import save_small_model


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty project's folder; a detector's file is anything that begins with `detector`."""

    def load(path, engine, face_classifier):
        if not path.read_bytes().startswith(b"detector"):
            raise ValueError(f"{path}: not a detector")
        return Detector(SeesColors())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_files, "load_networks", load)
    monkeypatch.setattr(model_files, "check_archive", lambda path: None)
    return tmp_path


def write_model(folder, content, classifier=None, **calibration):
    """Write the files of a model, laid out as `folder` is."""
    files = find_files(folder)
    files.detector.parent.mkdir(parents=True, exist_ok=True)
    files.detector.write_bytes(content)
    if classifier is not None:
        files.face_classifier.parent.mkdir()
        files.face_classifier.write_bytes(classifier)
    write_calibration(files.calibration, files.detector, **calibration)
    return files


def train(project, content=b"detector trained", **options):
    return write_model(model_files.ARTIFACTS, content, **options)


def release(project, content=b"detector released"):
    return write_model(model_files.RELEASED_FOLDER, content)


def test_what_was_trained_is_taken_with_its_hashes(project):
    files = train(project, classifier=b"classifier")
    release(project)
    for model in (None, "trained"):
        identity = load_model(model).identity
        assert (identity.name, identity.version) == ("trained", None)
        assert identity.detector == hash_file(files.detector)
        assert identity.classifier == hash_file(files.face_classifier)
        assert identity.calibration == hash_file(files.calibration)


def test_with_nothing_trained_the_released_model_is_taken(project):
    files = release(project)
    for model in (None, "released"):
        identity = load_model(model).identity
        assert (identity.name, identity.classifier) == ("released", None)
        assert identity.detector == hash_file(files.detector)


@pytest.mark.parametrize("breakage", ["no calibration", "calibration of another"])
def test_a_trained_model_without_its_calibration_gives_way_to_the_released(
    project, breakage, caplog
):
    files = train(project)
    release(project)
    if breakage == "no calibration":
        files.calibration.unlink()
    else:
        files.detector.write_bytes(b"detector trained anew")
    assert load_model().identity.name == "released"
    assert "run `dvc repro calibrate`" in caplog.text
    assert "the released model is used" in caplog.text
    with pytest.raises(ValueError, match="run `dvc repro calibrate`"):
        load_model("trained")


def test_without_a_released_model_the_trained_one_is_rejected_by_name(project):
    files = train(project)
    files.detector.write_bytes(b"detector trained anew")
    with pytest.raises(ValueError, match=r"calibration\.json: made for the detector sha256"):
        load_model()


def test_with_nothing_at_all_the_commands_are_named():
    with pytest.raises(ValueError, match=r"no model: nothing was trained .* nothing is rel") as e:
        load_model()
    assert "`python3 start.py dvc repro --pull`" in str(e.value)
    assert "`dvc pull released`" in str(e.value)
    with pytest.raises(ValueError, match=r"artifacts/train/detector\.keras: no detector here"):
        load_model("trained")
    with pytest.raises(ValueError, match="released: no released model here; run `dvc pull rel"):
        load_model("released")


def test_a_tracked_release_is_fetched_once(project, monkeypatch):
    Path("released.dvc").write_text("outs: []")
    commands = []

    def pull(command):
        commands.append(command[1:])
        release(project)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(released_folder.subprocess, "run", pull)
    for _ in range(2):
        assert load_model().identity.name == "released"
    assert commands == [["-m", "dvc", "pull", "--quiet", "released"]]


def test_a_release_that_cannot_be_fetched_is_told(project, monkeypatch):
    Path("released.dvc").write_text("outs: []")
    monkeypatch.setattr(
        released_folder.subprocess, "run", lambda command: SimpleNamespace(returncode=1)
    )
    with pytest.raises(ValueError, match="released: could not be fetched; see `dvc pull rel"):
        load_model()


def test_a_trained_model_that_can_answer_nothing_says_who_can(project, caplog):
    mute = {"min_fake_probability": 1.0, "max_real_probability": 0.0}
    train(project, **mute)
    for loaded in (load_model(), load_model("trained")):
        assert "`--model released` answers" in loaded.covers[0]
    assert caplog.text.count("`--model released` answers") == 1  # who names it is not told
    train(project)
    assert load_model().covers == []
    train(project, **mute, groups={"clear": make_calibration()})
    assert load_model().covers == []
    assert caplog.text.count("`--model released` answers") == 1


def test_a_fine_tuned_model_knows_what_the_released_one_learned_from(project):
    files = train(project)
    release(project)
    record = {"train_videos": {"ann.mp4": "22"}}
    Path("released/training_record.json").write_text(json.dumps(record))
    start = files.detector.with_name("start.json")
    for released, known in ((None, None), ("released", {"22": "ann.mp4"})):
        start.write_text(json.dumps({"released": released}))
        videos = load_model("trained").training_videos
        assert (videos and videos.names) == known


def test_a_folder_is_taken_flat_or_laid_out_as_artifacts(project, tmp_path):
    write_model(tmp_path / "flat", b"detector flat")
    (tmp_path / "nested/train").mkdir(parents=True)
    write_model(tmp_path / "nested", b"detector nested")
    assert (tmp_path / "nested/calibrate/calibration.json").is_file()
    for name in ("flat", "nested"):
        assert load_model(tmp_path / name).identity.name == str(tmp_path / name)
        assert load_model(name).identity.name == name


def test_a_name_that_is_no_folder_is_rejected():
    with pytest.raises(ValueError, match="best: no such model; expected trained, released, rel"):
        load_model("best")


def test_an_older_version_lies_in_a_folder_of_its_own(project):
    release(project)
    (project / "released/card.json").write_text('{"version": "0.2"}')
    with pytest.raises(ValueError, match=r"`dvc get \. released --rev v0\.1 -o released-0\.1`"):
        load_model("released@0.1")
    write_model(project / "released-0.1", b"detector old")
    identity = load_model("released@0.1").identity
    assert identity.detector == hash_file(project / "released-0.1/detector.keras")


def test_a_broken_card_is_named(project):
    release(project)
    (project / "released/card.json").write_text("[1")
    with pytest.raises(ValueError, match=r"card\.json: not the card .* run `dvc pull released`"):
        load_model("released@0.1")


def test_a_released_folder_with_a_card_is_loaded_by_its_own_reader(project, monkeypatch):
    card = {
        "version": "0.1",
        "covers": ["face swaps"],
        "not_covered": ["avatars", "animated stills"],
        "people": 164,
        "forgery_methods": 33,
        "sha256": {"detector": DETECTOR_SHA256, "classifier": None, "calibration": "4" * 64},
    }
    (project / "released").mkdir()
    (project / "released/card.json").write_text(json.dumps(card))
    reader = SimpleNamespace(
        load_released=lambda folder, engine: (Detector(SeesColors()), make_calibration(), card)
    )
    monkeypatch.setitem(sys.modules, "deepfake_detector.inference.model_folders.released", reader)
    for model in ("released", "released@0.1", None):
        loaded = load_model(model)
        assert (loaded.identity.name, loaded.identity.version) == ("released", "0.1")
        covered, others, sound = loaded.covers
        assert "face swaps; the model learned from 164 people and 33 methods" in covered
        assert "avatars, animated stills; footage that was generated as a whole" in others
        assert sound == "Sound was not examined."
        assert loaded.identity.calibration == "4" * 64


def test_a_damaged_file_is_called_so_and_not_another_one(project, monkeypatch):
    files = train(project)
    files.detector.write_bytes(b"detector damaged")

    def reject(path):
        raise ValueError(f"{path}: damaged at config.json")

    monkeypatch.setattr(model_files, "check_archive", reject)
    with pytest.raises(ValueError, match=r"detector\.keras: damaged at config\.json"):
        load_model("trained")


def test_real_files_belong_together_and_with_others_they_do_not(tmp_path, monkeypatch):
    monkeypatch.undo()
    folder = save_small_model(tmp_path / "model")
    loaded = load_model(folder)
    assert loaded.detector.face_classifier.crop_px == 64
    shutil.rmtree(folder / FACE_CLASSIFIER.parent)
    with pytest.raises(ValueError, match=r"face classifier sha256 \w{12}, but .* is none; run"):
        load_model(folder)
