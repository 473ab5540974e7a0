import json

import pytest

from builders import CLASSIFIER_SHA256, DETECTOR_SHA256, make_calibration
from deepfake_detector.verdicts.calibration import (
    ScoredBy,
    check_calibration_belongs,
    load_calibration,
)


def write(path, **changes):
    path.write_text(json.dumps(make_calibration().model_dump() | changes))
    return path


def test_a_file_that_is_not_there_is_named_with_the_command(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: no calibration here; run `dvc repro calib"):
        load_calibration(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"min_fake_probability": float("nan")}, "min_fake_probability Input should be a finite"),
        ({"max_real_probability": float("inf")}, "max_real_probability Input should be a finite"),
        ({"model": {"weights": [float("nan"), 0.0], "covariance": [[0.0, 0.0]] * 2}}, "finite"),
        ({"model": {"weights": [1.0, 0.0], "covariance": [[float("nan"), 0.0]] * 2}}, "finite"),
        ({"min_fake_probability": 0.3}, "up to min_fake_probability, got 0.4 and 0.3"),
        ({"model": {"weights": [1.0], "covariance": [[0.0, 0.0]] * 2}}, "needs 2 weights"),
        ({"model": {"weights": [1.0, 0.0], "covariance": [[0.0, 0.0]]}}, "covariance of 2 x 2"),
        ({"rule": "logistic"}, "the rule logistic needs 5 weights and a covariance of 5 x 5"),
        ({"model": {"weights": [1.0, 0.0], "covariance": [[-1.0, 0.0], [0.0, 1.0]]}}, "below 0"),
        ({"model": {"weights": [1.0, 0.0], "covariance": [[1.0, 0.5], [0.0, 1.0]]}}, "symmetric"),
        ({"detector_sha256": "12ab"}, "detector_sha256 String should match"),
        ({"extra": 1}, "extra Extra inputs"),
        ({"rule": "best", "fit": "none", "extra": 1}, ", and 2 more"),
    ],
)
def test_what_does_not_fit_together_is_told_in_one_line(tmp_path, changes, cause):
    path = write(tmp_path / "calibration.json", **changes)
    with pytest.raises(ValueError, match="not a calibration of this project as it is now") as told:
        load_calibration(path)
    assert cause in str(told.value)
    assert "run `dvc repro calibrate`" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1, 2", b'{"rule": "best"}'])
def test_another_file_is_rejected(tmp_path, content):
    (tmp_path / "other.json").write_bytes(content)
    with pytest.raises(ValueError, match="not a calibration of this project"):
        load_calibration(tmp_path / "other.json")


def test_bounds_may_meet():
    make_calibration(min_fake_probability=0.5, max_real_probability=0.5)


def test_a_calibration_is_taken_with_the_files_it_was_made_for(tmp_path):
    calibration = make_calibration(classifier_sha256=CLASSIFIER_SHA256)
    scored_by = ScoredBy(DETECTOR_SHA256, CLASSIFIER_SHA256)
    check_calibration_belongs(calibration, scored_by, tmp_path / "calibration.json")


@pytest.mark.parametrize(
    ("detector", "classifier", "message"),
    [
        (
            "a" * 64,
            CLASSIFIER_SHA256,
            "the detector sha256 111111111111, but .* sha256 aaaaaaaaaa",
        ),
        (DETECTOR_SHA256, "b" * 64, "the face classifier sha256 222222222222, but .* sha256 bbbb"),
        (DETECTOR_SHA256, None, "the face classifier sha256 222222222222, but .* is none"),
    ],
)
def test_with_other_files_it_is_rejected_and_both_are_named(
    tmp_path, detector, classifier, message
):
    calibration = make_calibration(classifier_sha256=CLASSIFIER_SHA256)
    with pytest.raises(ValueError, match=f"calibration.json: made for {message}") as told:
        check_calibration_belongs(
            calibration, ScoredBy(detector, classifier), tmp_path / "calibration.json"
        )
    assert "run `dvc repro calibrate`" in str(told.value)
