"""What is done to videos, measured with a detector that finds what it is told to."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.config.overrides import override_params
from deepfake_detector.inference import detector as prediction
from deepfake_detector.video.writing import write_video

PROJECT = Path(__file__).parents[2]
GRAY = np.full((48, 64, 3), 100, np.uint8)
BOX = np.array([16.0, 8, 48, 40])


@pytest.fixture
def robustness(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "benchmarks")
    yield importlib.import_module("robustness")
    for name in ("robustness", "quality_figures"):
        sys.modules.pop(name, None)


def test_a_picture_is_shrunk_blurred_and_made_noisy(robustness):
    assert robustness.shrink(GRAY, 0, 0.25).shape == (12, 16, 3)
    spot = GRAY.copy()
    spot[24, 32] = 255
    assert robustness.blur(spot, 0, 2).max() < 120
    noisy = robustness.add_noise(GRAY, 3, 10)
    assert noisy.std() == pytest.approx(10, rel=0.05)
    assert (noisy == robustness.add_noise(GRAY, 3, 10)).all()  # a frame's noise is its own
    assert (noisy != robustness.add_noise(GRAY, 4, 10)).any()
    assert (GRAY == 100).all()


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A finished pipeline: of two people a real and a fake clip each, two frames kept of four."""
    (tmp_path / "data/videos").mkdir(parents=True)
    tables = {name: [] for name in ("split/test", "validate/videos", "validate/annotations",
                                    "extract_frames/frames")}  # fmt: skip
    for person in "ab":
        for label in ("real", "fake"):
            video = f"{person}_{label}.mp4"
            shade = 200 if label == "fake" else 50
            write_video(tmp_path / "data/videos" / video, [GRAY // 100 * shade] * 4, fps=25)
            tables["split/test"].append({"video": video, "source": person})
            tables["validate/videos"].append(
                {"video": video, "source": person, "width_px": 64, "height_px": 48, "fps": 25}
            )
            for frame in (0, 2):
                size = {"width_px": 64, "height_px": 48}
                tables["extract_frames/frames"].append({"video": video, "frame": frame, **size})
                box = dict(zip(prediction.BOX, BOX, strict=True))
                tables["validate/annotations"].append(
                    {"video": video, "frame": frame, **box, "label": label}
                )
    for name, rows in tables.items():
        path = tmp_path / f"artifacts/{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(path, index=False)
    params = override_params((PROJECT / "params.yaml").read_text(), {"n_bootstrap": "10"})[0]
    (tmp_path / "params.yaml").write_text(params)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prediction, "load_detector", lambda path: None)
    monkeypatch.setattr(prediction, "detect_faces", find_by_brightness)


def find_by_brightness(detector, frames):
    """Find the face, whatever the size of the frame; the brighter, the more fake."""
    tables = []
    for frame in frames:
        fake = np.clip(frame.mean() / 255, 0.05, 0.95)
        box = BOX * frame.shape[1] / 64
        tables.append(pd.DataFrame([[*box, 1 - fake, fake]], columns=prediction.FACE_COLUMNS))
    return tables


def test_every_change_is_measured_in_px_of_the_original_and_drawn(robustness, finished):
    table = robustness.measure_changes(Path("another.keras"))
    assert list(table["change"].unique()) == [
        "none", "H.264 CRF", "scale", "blur, sigma in px", "noise, sigma of 255",
        "one look in n frames",
    ]  # fmt: skip
    assert (table["class_agnostic_ap_50"] == 1).all()  # also where the frame was shrunk
    assert (table["score_auc"] == 1).all()
    assert table.loc[0, "map_50"] == 1
    assert table.loc[0, "frames"] == 8
    assert table["frames"].iloc[-1] == 4  # one look: the first frame of each clip
    assert "abstention_rate" not in table  # no calibration, no answers
    figure = robustness.draw_changes(table)
    assert [axes.get_xlabel() for axes in figure.axes] == list(table["change"].unique()[1:])
