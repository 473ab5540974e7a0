"""Tables for `dvc plots`."""

from deepfake_detector.evaluation.curve_tables import (
    make_confusion,
    make_over_threshold,
    make_precision_recall,
)


def test_precision_recall_has_the_columns_dvc_plots(evaluated):
    table = make_precision_recall(evaluated, 0.5)
    assert list(table.columns) == ["recall", "precision", "label"]
    real = table[table["label"] == "real"]
    assert real["recall"].tolist() == [0.5, 1.0]
    assert real["precision"].tolist() == [1.0, 2 / 3]
    assert set(table["label"]) == {"real", "fake", "class_agnostic"}


def test_over_threshold_has_a_row_for_every_hundredth(evaluated):
    table = make_over_threshold(evaluated, 0.5)
    assert list(table.columns) == ["threshold", "precision", "recall", "f1", "label"]
    assert len(table) == 3 * 101


def test_confusion_lists_every_pair_but_nothing_for_nothing(evaluated):
    table = make_confusion(evaluated, 0.5, 0.5).set_index(["annotated", "called"])["faces"]
    assert len(table) == 8
    assert table["real", "real"] == 1
    assert table["real", "fake"] == 1
    assert table["fake", "fake"] == 2
    assert table["nothing", "fake"] == 1
    assert table.sum() == 5
