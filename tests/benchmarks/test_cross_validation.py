"""Who is left out, and the table; trainings are left to the command itself."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.cross_validation_figures import (
    LEFT_OUT,
    VALIDATION,
    deal_parts,
    draw_sources,
    make_table,
)


def make_scores(logits):
    """Two parts of two sources and a validation of two, each with a real face and a fake.

    `logits` are those of a source's fake by its number; real faces have 0.
    """
    rows = [
        (
            part,
            name,
            "as it is",
            f"{name}{part}{number}{is_fake}",
            f"{name}{place}",
            is_fake,
            logit,
        )
        for part in (1, 2)
        for name in (LEFT_OUT, VALIDATION)
        for number, logit in enumerate(logits)
        for place in [number + (2 * part if name == LEFT_OUT else 0)]
        for is_fake, logit in ((False, 0.0), (True, logit))
    ]
    columns = ["part", "set", "picture", "video", "source", "is_fake", "logit"]
    return pd.DataFrame(rows, columns=columns)


def make_videos(*rows):
    return pd.DataFrame(
        [(f"{number}.mp4", *row) for number, row in enumerate(rows)],
        columns=["video", "source", "identity", "labels"],
    )


def test_every_source_with_a_fake_is_left_out_once_and_the_others_never():
    rows = [(name, "", labels) for name in "abcd" for labels in ("real", "fake")]
    train = make_videos(*rows, ("e", "", "real"))
    parts = deal_parts(train, 2, seed=1)
    assert sorted(name for part in parts for name in part) == ["a", "b", "c", "d"]
    assert [len(part) for part in parts] == [2, 2]
    assert deal_parts(train, 2, seed=1) == parts


def test_sources_that_share_an_identity_are_left_out_together():
    people = {"a": "x", "b": "x", "c": "y", "d": "z"}
    train = make_videos(*[(name, person, "fake") for name, person in people.items()])
    assert {"a", "b"} in deal_parts(train, 2, seed=1)


def test_more_parts_than_identities_are_rejected():
    train = make_videos(("a", "x", "fake"), ("b", "x", "fake"), ("c", "", "real"))
    with pytest.raises(ValueError, match="1 identities with a fake in the train split, 2 parts"):
        deal_parts(train, 2, seed=1)


def test_the_table_has_a_row_for_each_part_and_their_mean():
    table = make_table(make_scores([1.0, -1.0]), None)
    assert list(table.index) == [
        (name, part) for name in (LEFT_OUT, VALIDATION) for part in (1, 2, "mean")
    ]
    assert table["as it is"].unique() == pytest.approx([0.5])  # of two fakes one is above


def test_another_recipe_is_compared_on_the_same_draws():
    table = make_table(make_scores([1.0, 2.0]), make_scores([1.0, -1.0]))["as it is"]
    assert table[LEFT_OUT, "difference"] == pytest.approx(0.5)
    assert table[LEFT_OUT, "from"] < 0.5 < table[LEFT_OUT, "to"]
    same = make_table(make_scores([1.0, -1.0]), make_scores([1.0, -1.0]))["as it is"]
    assert same[VALIDATION, "from"] == same[VALIDATION, "to"] == 0  # drawn alike


def test_a_recipe_of_other_parts_is_rejected():
    other = make_scores([1.0, 2.0])
    other["source"] = "somebody"
    with pytest.raises(ValueError, match="other data or parts"):
        make_table(make_scores([1.0, 2.0]), other)


def test_validation_sources_are_drawn_once_for_all_parts():
    drawn = draw_sources(make_scores([1.0, 2.0]), np.random.default_rng(3))
    counts = drawn[drawn["set"] == VALIDATION].groupby(["part", "source"]).size().unstack()
    assert counts.loc[1].equals(counts.loc[2])
    cross_validation = drawn[drawn["set"] == LEFT_OUT]
    assert cross_validation.groupby("part").size().tolist() == [4, 4]
