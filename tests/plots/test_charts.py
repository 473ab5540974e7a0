"""Charts: what stands on them; also of nothing."""

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.plots.charts import (
    draw_confusion,
    draw_over_threshold,
    draw_precision_recall,
)
from deepfake_detector.plots.example_sheet import draw_sheet
from deepfake_detector.plots.style import save_figure
from deepfake_detector.plots.training_curves import draw_training

CURVE = pd.DataFrame({"recall": [0.5, 1.0], "precision": [1.0, 0.6], "label": "real"})


def get_texts(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(lambda o: hasattr(o, "get_text")))


def test_precision_recall_names_ap_with_its_interval():
    metrics = {"ap_real": 0.8, "ap_real_ci95_low": 0.7, "ap_real_ci95_high": 0.9}
    texts = get_texts(draw_precision_recall(CURVE, metrics, "9 videos"))
    assert "real: AP 0.800 (0.700 to 0.900)" in texts
    assert "9 videos" in texts


def test_precision_recall_without_interval_or_value():
    assert "real: AP 0.800" in get_texts(draw_precision_recall(CURVE, {"ap_real": 0.8}, ""))
    assert "real: AP n/a" in get_texts(draw_precision_recall(CURVE, {"ap_real": np.nan}, ""))
    draw_precision_recall(CURVE.head(0), {}, "")


def test_the_threshold_of_predict_is_marked():
    curve = pd.DataFrame({"threshold": [0, 1.0], "f1": [0.5, np.nan], "label": "class_agnostic"})
    texts = get_texts(draw_over_threshold(curve, 0.5, ""))
    assert "predict: 0.5" in texts
    assert "any face (location only)" in texts


def test_confusion_shows_counts_and_shares_of_rows():
    rows = [("real", "real", 30), ("real", "fake", 10), ("real", "nothing", 0),
            ("fake", "real", 0), ("fake", "fake", 0), ("fake", "nothing", 0),
            ("nothing", "real", 1234), ("nothing", "fake", 0)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["annotated", "called", "faces"])
    texts = get_texts(draw_confusion(table, 0.5, ""))
    assert "30\n75%" in texts
    assert "1,234\n100%" in texts


def make_history(epochs: int) -> pd.DataFrame:
    parts = ("loss", "box_loss", "class_loss")
    losses = [f"{split}_{part}" for split in ("train", "validation") for part in parts]
    history = pd.DataFrame({"epoch": range(1, epochs + 1), "learning_rate": 1e-3})
    history[losses] = 1.0
    history["validation_map_50"] = [0.1 * epoch for epoch in range(epochs)]
    history["validation_map_50_95"] = 0.05
    history["validation_class_agnostic_ap_50_95"] = [0.9 - 0.1 * epoch for epoch in range(epochs)]
    history[["validation_ap_real", "validation_ap_fake"]] = np.nan
    return history


def test_training_marks_the_epoch_that_is_kept():
    history = make_history(3)
    assert "kept: epoch 3, 0.200" in get_texts(draw_training(history, "validation_map_50"))
    location = "validation_class_agnostic_ap_50_95"
    assert "kept: epoch 1, 0.900" in get_texts(draw_training(history, location))
    unknown = make_history(1).assign(validation_map_50=np.nan)
    assert "kept" not in get_texts(draw_training(unknown, "validation_map_50"))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_sheet_of_any_number_of_pictures_is_saved(tmp_path, count):
    pictures = [np.zeros((20, 30 + number, 3), np.uint8) for number in range(count)]
    captions = [f"caption {number}" for number in range(count)]
    figure = draw_sheet(pictures, captions, "title")
    save_figure(figure, tmp_path / "new" / "sheet.png")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sheet.png"]
    texts = get_texts(figure)
    assert all(caption in texts for caption in captions)
    assert ("no frames to show" in texts) == (count == 0)


def test_the_same_figure_is_saved_to_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        save_figure(draw_training(make_history(2), "validation_map_50"), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
