import pandas as pd
import pytest

from deepfake_detector.evaluation.group_tables import (
    describe_videos,
    groups_to_text,
    measure_methods_and_sets,
)

VERDICTS = pd.DataFrame(
    [
        ("ann", "real", "", "", "one", "likely real", 0.1),
        ("ann", "fake", "swapper", "face swap", "one", "likely fake", 0.9),
        ("bob", "real", "swapper", "face swap", "two", "cannot tell", 0.7),  # as a folder has it
        ("bob", "fake", "mixer", "face swap", "two", "cannot tell", 0.6),
        ("eve", "", "", "", "two", "cannot tell", None),
    ],
    columns=["person", "label", "method", "method_group", "dataset", "answer", "probability"],
)


@pytest.fixture
def groups():
    return measure_methods_and_sets(VERDICTS, 20, 1).set_index(["by", "group", "metric"])


def test_methods_count_their_fakes_alone(groups):
    assert groups.loc[("method", "swapper", "called likely fake"), "value"] == 1.0
    assert groups.loc[("method", "swapper", "answered"), "videos"] == 1
    assert groups.loc[("method_group", "face swap", "called likely fake"), "value"] == 0.5


def test_a_method_is_ranked_against_all_real_videos_a_data_set_within_itself(groups):
    assert groups.loc[("method", "mixer", "AUC"), "value"] == 0.5  # above ann, below bob
    assert groups.loc[("dataset", "one", "AUC"), "value"] == 1.0
    assert groups.loc[("dataset", "two", "AUC"), "value"] == 0.0
    assert ("dataset", "one, fake", "AUC") not in groups.index


def test_a_data_set_is_counted_by_label(groups):
    assert groups.loc[("dataset", "two, real", "answered"), ["videos", "value"]].tolist() == [1, 0]


def test_the_text_has_a_line_for_each_group(groups):
    lines = groups_to_text(groups.reset_index()).splitlines()
    assert [line.split("  ")[0] for line in lines[1:4]] == ["method", "method", "kind of method"]
    assert "1 videos, 1 people" in lines[1]
    assert len(lines) == 1 + 3 + 6 + 1  # of data sets: each label, and both together


def test_where_nothing_is_named_there_is_no_table():
    named = dict.fromkeys(("method", "method_group", "dataset"), "")
    groups = measure_methods_and_sets(VERDICTS.assign(**named), 20, 1)
    assert groups.empty
    assert groups_to_text(groups) == ""


def test_people_are_identities_or_else_sources():
    videos = pd.DataFrame(
        [("a", "clip", "ann", "", "", ""), ("b", "other", "", "", "", "")],
        columns=["video", "source", "identity", "method", "method_group", "dataset"],
    )
    assert describe_videos(videos)["person"].to_dict() == {"a": "ann", "b": "other"}
