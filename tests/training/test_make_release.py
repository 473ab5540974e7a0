import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.export.released_card import make_card_text
from deepfake_detector.training import make_release
from deepfake_detector.training.make_release import (
    VERDICT_COLUMNS,
    check_learned,
    fit_heads,
    list_calibrated,
    list_covered,
    make_card,
    make_record,
    measure_verdicts,
)

PARAMS = load_params(PROJECT / "params.yaml")


def write_split(work, name, fakes, reals=2):
    """Write the table of a split: of each kind of forgery, its videos and its methods."""
    rows = [
        {
            "video": f"{kind}{number}.mp4",
            "source": f"{kind}{number}",
            "identity": "",
            "method": f"{kind} {number % methods}",
            "method_group": kind,
            "dataset": "set",
            "labels": "fake",
        }
        for kind, (videos, methods) in fakes.items()
        for number in range(videos)
    ]
    rows += [
        {
            "video": f"real{number}.mp4",
            "source": f"real{number}",
            "identity": "somebody",
            "method": "",
            "method_group": "",
            "dataset": "set",
            "labels": "real",
        }
        for number in range(reals)
    ]
    folder = work / "artifacts/split"
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("videos", "methods", "kind", "expected"),
    [
        (10, 3, "face swap", ["face swap"]),
        (9, 3, "face swap", []),
        (10, 2, "face swap", []),
        (30, 9, "text-to-video", []),  # generated as a whole: never covered
        (30, 9, "", []),  # of no kind that is known
    ],
)
def test_a_kind_is_covered_from_enough_videos_by_enough_methods(
    tmp_path, videos, methods, kind, expected
):
    write_split(tmp_path, "validation", {kind: (videos, methods)})
    assert list_covered(tmp_path) == expected
    assert list_calibrated(tmp_path) == ([kind] if kind and videos >= 10 and methods >= 3 else [])


def test_heads_are_fitted_to_train_videos_whose_kinds_are_told_by_data_set(tmp_path, monkeypatch):
    videos = write_split(tmp_path, "train", {"face swap": (1, 1), "": (1, 1)}, reals=1)
    videos.assign(frames=[3, 0, 3]).to_csv(tmp_path / "artifacts/split/train.csv", index=False)
    crops = [
        SimpleNamespace(video=video) for video in ("face swap0.mp4", "real0.mp4") for _ in range(9)
    ]
    write_split(tmp_path, "validation", {}, reals=1).assign(frames=3).to_csv(
        tmp_path / "artifacts/split/validation.csv", index=False
    )
    read, fitted, scaled = [], [], []
    monkeypatch.setattr(make_release, "list_crops", lambda paths: read.extend(paths) or crops)
    monkeypatch.setattr(make_release, "fit_late_heads", lambda *given: fitted.append(given))
    monkeypatch.setattr(make_release, "scale_heads", lambda *given: scaled.append(given))
    fit_heads(tmp_path, "classifier")
    train = ["face swap0.mp4.tfrecord", "real0.mp4.tfrecord"]
    assert [path.name for path in read] == [*train, "real0.mp4.tfrecord"]  # of validation
    assert scaled == [("classifier", fitted[0][1])]
    ((classifier, chosen, kinds),) = fitted
    assert classifier == "classifier"
    assert [crop.video for crop in chosen] == ["face swap0.mp4"] * 8 + ["real0.mp4"] * 8
    assert kinds == {
        "face swap0.mp4": "set, face swap",
        "0.mp4": "set, ",
        "real0.mp4": "set, ",
    }


def test_kept_tracks_are_of_the_same_networks_sampling_and_code(monkeypatch):
    name = make_release.name_analysis(("1", "2"), PARAMS)
    assert make_release.name_analysis(("1", "2"), PARAMS) == name
    assert make_release.name_analysis(("1", "3"), PARAMS) != name
    rarer = PARAMS.predict.model_copy(update={"frame_stride": 7})
    assert (
        make_release.name_analysis(("1", "2"), PARAMS.model_copy(update={"predict": rarer}))
        != name
    )
    code = make_release.hash_used_code(Path(make_release.analysis.__file__))
    small_faces = "src/deepfake_detector/inference/small_faces.py"
    monkeypatch.setattr(make_release, "hash_used_code", lambda path: code | {small_faces: "other"})
    assert small_faces in code
    assert make_release.name_analysis(("1", "2"), PARAMS) != name


def make_verdicts():
    rows = [
        (
            f"{label}{n}.mp4",
            f"person {n}",
            label,
            method,
            kind,
            "set",
            answer,
            score,
            "clear",
            90 + n,
            "",
            score,
            20 - n,
            120,
        )
        for label, method, kind, answers, scores in (
            ("real", "", "", ["likely real", "cannot tell", "likely fake"], [0.1, 0.5, 0.9]),
            ("fake", "m", "face swap", ["likely fake", "likely fake"], [0.95, 0.97]),
        )
        for n, (answer, score) in enumerate(zip(answers, scores, strict=True))
    ]
    return pd.DataFrame(rows, columns=VERDICT_COLUMNS)


def test_verdicts_are_measured_by_kind_by_set_and_as_a_whole():
    results = measure_verdicts(make_verdicts(), PARAMS)
    values = results.set_index(["group", "metric"])["value"]
    assert values["fake videos", "called likely fake"] == 1
    assert values["real videos", "called likely fake"] == pytest.approx(1 / 3)
    assert values["face swap", "AUC"] == 1
    assert values["set, real", "called likely fake"] == pytest.approx(1 / 3)
    assert values["real videos", "rank correlation with face_px"] == pytest.approx(1)
    assert values["real videos", "rank correlation with sharpness"] == pytest.approx(-1)
    assert np.isnan(values["real videos", "rank correlation with brightness"])  # all alike


def test_card_and_record_tell_what_was_learned_from(tmp_path, monkeypatch):
    write_split(tmp_path, "validation", {"face swap": (10, 3)})
    train = write_split(tmp_path, "train", {"face swap": (4, 2), "lip-sync": (3, 1)})
    videos = train.assign(sha256=[f"{n:064x}" for n in range(len(train))], licence="CC0")
    (tmp_path / "artifacts/validate").mkdir()
    videos.to_csv(tmp_path / "artifacts/validate/videos.csv", index=False)
    for folder in ("train", "train/face_classifier"):
        (tmp_path / "artifacts" / folder).mkdir()
        pd.DataFrame({"epoch": [1], "train_loss": [0.5]}).to_csv(
            tmp_path / "artifacts" / folder / "history.csv", index=False
        )
    released = tmp_path / "released"
    released.mkdir()
    (released / "calibration.json").write_text("{}")
    results = measure_verdicts(make_verdicts(), PARAMS)
    card = make_card("0.1", "2026-11-28", "abc", tmp_path, released, ("1", "2"), results)
    assert (card["covers"], card["not_covered"]) == (["face swap"], ["lip-sync"])
    assert (card["people"], card["forgery_methods"], card["licences"]) == (8, 3, {"CC0": 9})
    assert card["precision"]["value"] == pytest.approx(0.01 / (0.01 + 0.99 / 3), abs=0.001)
    assert [row["methods"] for row in card["data"] if row["kind"] == "-"] == [0]
    text = make_card_text(card)
    for part in ("0.1", "abc", "face swap", "| called likely fake |", "CC0: 9 videos"):
        assert part in text
    monkeypatch.setattr(
        make_release, "hash_video", lambda path, n_frames: [len(path.name), n_frames]
    )
    record = make_record(tmp_path, PARAMS, "abc", None)
    assert record["starts_from"] == "imagenet"  # there is no release to start from
    (released / "card.json").write_text('{"version": "0.1", "sha256": {"detector": "12ab"}}')
    assert (
        make_record(tmp_path, PARAMS, "abc", None)["starts_from"] == "released 0.1, detector 12ab"
    )
    assert record["train_videos"] == dict(zip(videos["video"], videos["sha256"], strict=True))
    assert record["train_frame_hashes"]["real0.mp4"] == [f"{9:016x}", f"{8:016x}"]
    assert record["epochs"]["ssd"] == [{"epoch": 1, "train_loss": 0.5}]
    assert not any(isinstance(value, np.generic) for value in record["params"].values())
    (released / "training_record.json").write_text(json.dumps(record))
    kept = make_record(tmp_path, PARAMS, "def", released)
    assert kept == record | {"heads_fitted_by": "def"}


def test_kept_networks_must_not_have_learned_from_what_measures_now():
    check_learned({"a.mp4": "1"}, {"renamed.mp4": "1", "new.mp4": "2"})
    with pytest.raises(ValueError, match=r"learned from 1 videos .* \(b\.mp4\); name the folders"):
        check_learned({"a.mp4": "1", "b.mp4": "3"}, {"a.mp4": "1"})
