import numpy as np
import pandas as pd
import pytest

from deepfake_detector.evaluation.shortcuts.shortcut_probes import (
    permute_labels,
    probe_shortcuts,
    shortcuts_to_metrics,
    shortcuts_to_text,
)


def make_pairs(sources, split, size_of_fake):
    """One real and one fake video of each source; the cue `size` is `size_of_fake` for fakes."""
    generator = np.random.default_rng(len(split))
    rows = [
        (f"{split}{n}{label}", f"{split}{n}", label == "fake",
         size_of_fake * (label == "fake") + 0.1 * generator.normal(), generator.normal())
        for n in range(sources)
        for label in ("real", "fake")
    ]  # fmt: skip
    columns = ["video", "source", "is_fake", "file size.bytes", "length.frames"]
    return pd.DataFrame(rows, columns=columns)


def test_a_cue_that_tells_all_fakes_apart_is_found_and_warned_of():
    probes = probe_shortcuts(make_pairs(20, "train", 3.0), make_pairs(8, "test", 3.0), 20)
    best = probes.iloc[0]
    assert (best["feature"], best["auc"], best["accuracy"]) == ("file size", 1.0, 1.0)
    assert best["p_value"] < 0.01
    metrics = shortcuts_to_metrics(probes)
    assert metrics["shortcut_auc_file_size"] == 1.0
    assert metrics["shortcuts"] == 1
    text = shortcuts_to_text(metrics)
    assert "WARNING: the data leaks" in text
    assert "file size (p = 0.0" in text
    assert "length (p" not in text


def test_a_cue_that_means_nothing_is_no_leak():
    probes = probe_shortcuts(make_pairs(20, "train", 0.0), make_pairs(8, "test", 0.0), 20)
    metrics = shortcuts_to_metrics(probes)
    assert metrics["shortcuts"] == 0
    assert "WARNING" not in shortcuts_to_text(metrics)
    assert "file size 0." in shortcuts_to_text(metrics)


def test_two_sources_are_too_few_to_warn():
    probes = probe_shortcuts(make_pairs(20, "train", 3.0), make_pairs(2, "test", 3.0), 20)
    assert probes["auc"].iloc[0] == 1.0
    assert shortcuts_to_metrics(probes)["shortcuts"] == 0


def test_a_cue_that_turns_round_on_test_is_below_chance_and_no_leak():
    probes = probe_shortcuts(make_pairs(20, "train", 3.0), make_pairs(8, "test", -3.0), 20)
    assert probes.set_index("feature").loc["file size", "auc"] == 0.0
    assert shortcuts_to_metrics(probes)["shortcuts"] == 0


def test_a_test_split_of_one_label_has_no_probes():
    test = make_pairs(4, "test", 3.0)
    probes = probe_shortcuts(make_pairs(4, "train", 3.0), test[test["is_fake"]], 20)
    assert probes.empty
    assert shortcuts_to_metrics(probes) == {"shortcuts": 0}
    assert shortcuts_to_text({"shortcuts": 0}) == ""


def test_a_feature_that_is_missing_or_the_same_everywhere_tells_nothing():
    train, test = make_pairs(9, "train", 3.0), make_pairs(9, "test", 3.0)
    for table in (train, test):
        table["codec.h264"] = 1.0
        table["background.grain"] = np.nan
    with pytest.warns(RuntimeWarning):
        probes = probe_shortcuts(train, test, 20).set_index("feature")
    assert (probes.loc[["codec", "background"], "auc"] == 0.5).all()


def test_labels_are_permuted_within_a_source_and_with_those_of_others():
    labels = np.array([True, False, False, False])
    source = np.array(["pair", "pair", "real", "real"])
    drawn = permute_labels(labels, source, np.random.default_rng(0))
    assert {tuple(row) for row in drawn.tolist()} == {
        (True, False, False, False),
        (False, True, False, False),
        (False, False, True, False),
        (False, False, False, True),
    }


def test_a_larger_source_repeats_the_labels_it_takes_over():
    labels = np.array([True, False, False])
    drawn = permute_labels(labels, np.array(["a", "b", "b"]), np.random.default_rng(0))
    assert {tuple(row) for row in drawn.tolist()} == {(True, False, False), (False, True, True)}
