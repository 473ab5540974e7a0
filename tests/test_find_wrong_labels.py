"""`find_wrong_labels.py` on clips whose fakes are tinted, two of them annotated wrongly."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.data_set import DataSet, make_frames, read_rows, write_csv

import extract_frames
import find_wrong_labels
import validate
from deepfake_detector.inference.model_folders import model_files
from deepfake_detector.video.writing import write_video

WRONG = ("p1_fake.mp4", "p4_real.mp4")
TINT = np.array([60, 0, 0])


class SeesTint:
    """Stands in for a trained face classifier: its features are the mean colours of a crop."""

    crop_px, crop_scale = 32, 1.0

    def __init__(self):
        self.features = [self]

    def predict_on_batch(self, crops):
        return crops.mean(axis=(1, 2))


@pytest.fixture
def data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data_set = DataSet(tmp_path, people=6)
    for person in range(6):
        for label in ("real", "fake"):
            frames = make_frames(6, seed=person)
            tinted = [np.clip(f // 2 + (label == "fake") * TINT, 0, 255) for f in frames]
            write_video(data_set.videos / f"p{person}_{label}.mp4", np.uint8(tinted), fps=25)
    other = {"real": "fake", "fake": "real"}
    data_set.rows = [
        (*row[:-1], other[row[-1]] if row[0] in WRONG else row[-1]) for row in data_set.rows
    ]
    data_set.write()
    return data_set


@pytest.fixture
def run(monkeypatch):
    model = SimpleNamespace(detector=SimpleNamespace(face_classifier=SeesTint()))
    monkeypatch.setattr(model_files, "load_model", lambda name, engine: model)

    def run(script, *words):
        monkeypatch.setattr("sys.argv", [script.__name__, *words])
        script.main()

    return run


def test_wrong_labels_are_ranked_first_shown_corrected_and_fed_back(data_set, run, caplog):
    run(validate, "--workers", "1")
    run(extract_frames, "--workers", "1")
    run(find_wrong_labels)
    folder = data_set.folder / "artifacts/find_wrong_labels"
    rows = read_rows(folder / "wrong_labels.csv")
    assert {row["video"] for row in rows[:2]} == set(WRONG)
    first = rows[0]
    assert (first["face"], first["first_frame"], first["last_frame"]) == ("0", "0", "5")
    assert float(first["label_quality"]) < 0.5
    assert {row["corrected_label"] for row in rows} == {""}
    page = (folder / "wrong_labels.html").read_text()
    assert f"1. {first['video']}, face 0, frames 0 to 5" in page
    assert page.index("data:image/jpeg") > page.index("1. ")

    for row in rows[:2]:
        row["corrected_label"] = {"real": "fake", "fake": "real"}[row["label"]]
    write_csv(
        data_set.annotations / "wrong_labels.csv", list(first), [tuple(r.values()) for r in rows]
    )
    run(validate, "--workers", "1")
    for row in read_rows(data_set.folder / "artifacts/validate/annotations.csv"):
        assert row["label"] == row["video"].split("_")[1].removesuffix(".mp4")


def test_a_model_without_a_face_classifier_is_one_message(data_set, run, monkeypatch):
    run(validate, "--workers", "1")
    run(extract_frames, "--workers", "1")
    alone = SimpleNamespace(detector=SimpleNamespace(face_classifier=None))
    monkeypatch.setattr(model_files, "load_model", lambda name, engine: alone)
    with pytest.raises(SystemExit, match="the model has no face classifier"):
        run(find_wrong_labels)


def test_a_stage_that_has_not_run_is_named(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"videos\.csv: not there; run the stage validate first"):
        run(find_wrong_labels)
