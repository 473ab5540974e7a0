import numpy as np
import pandas as pd
import pytest

from deepfake_detector.common.tables import (
    ANNOTATION_COLUMNS,
    VIDEO_COLUMNS,
    Rejection,
    read_numbers,
    read_table,
    write_rejections,
    write_table,
)

NUMBERS = ["width_px", "height_px", "fps", "frames"]


def test_table_comes_back_and_names_that_look_like_numbers_stay_text(tmp_path):
    table = pd.DataFrame({"video": ["1", "NA"], "identity": ["", "null"], "frames": [3, 4]})
    write_table(table, tmp_path / "folder/videos.csv")
    again = read_table(tmp_path / "folder/videos.csv")
    assert again["video"].tolist() == ["1", "NA"]
    assert again["identity"].tolist() == ["", "null"]
    assert again["frames"].tolist() == [3, 4]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["videos.csv"]


UNLIKELY = ["NA", "None", "null", "nan", "001", "true", "1_0", "1e3", "inf", "", " x", "-", "0x1"]


@pytest.mark.parametrize(
    "column", [c for c in VIDEO_COLUMNS if c not in NUMBERS] + ["new", "face"]
)
def test_a_text_stays_the_text_it_is(tmp_path, column):
    for values in (UNLIKELY, ["1"], ["true"], ["NA"], [""]):
        write_table(pd.DataFrame({"video": "a", column: values}), tmp_path / "a.csv")
        assert read_table(tmp_path / "a.csv")[column].tolist() == values


@pytest.mark.parametrize("column", [*NUMBERS, *ANNOTATION_COLUMNS[1:6], "classifier_fake_score"])
def test_a_number_stays_the_number_it_is(tmp_path, column):
    numbers = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-500, 500).clip(-9, 9)
    for values in (numbers.tolist(), [1, 2, 3], [float("nan"), 0.5], [], [2**53 + 1]):
        write_table(pd.DataFrame({column: values}), tmp_path / "a.csv")
        again = read_table(tmp_path / "a.csv")[column]
        assert np.array_equal(again, np.array(values), equal_nan=True)
        assert again.dtype.kind == ("f" if isinstance([*values, 0][0], float) else "i")


@pytest.mark.parametrize("value", ["x", "1_0", "None", "1 2", "0x1"])
def test_what_is_no_number_is_named_with_its_row(tmp_path, value):
    (tmp_path / "a.csv").write_text(f"video,frames\na,1\nb,{value}\n")
    with pytest.raises(ValueError, match=r"a\.csv row 3: frames: expected a number, got"):
        read_table(tmp_path / "a.csv")


def test_of_a_table_of_numbers_every_column_is_one(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n1,0.5\n2,\n")
    table = read_numbers(tmp_path / "history.csv")
    assert table["epoch"].tolist() == [1, 2]
    assert table["loss"].isna().tolist() == [False, True]
    (tmp_path / "history.csv").write_text("epoch,loss\n1,True\n")
    with pytest.raises(
        ValueError, match=r"history\.csv row 2: loss: expected a number, got 'True'"
    ):
        read_numbers(tmp_path / "history.csv")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2,3\n", b"a\n\xff\xfe\n"])
def test_what_is_no_table_is_named(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.csv: no table"):
        read_table(tmp_path / "a.csv")


def test_missing_table_names_the_stage_that_writes_it(tmp_path):
    with pytest.raises(ValueError, match="run the stage validate first"):
        read_table(tmp_path / "validate/videos.csv")


def test_rejections_are_in_the_order_of_files_and_rows(tmp_path):
    rejections = [Rejection("b", 10, "x, y"), Rejection("b", 9, "x"), Rejection("a", None, "z")]
    write_rejections(rejections, tmp_path / "rejected.csv")
    assert (tmp_path / "rejected.csv").read_text() == 'file,row,reason\na,,z\nb,9,x\nb,10,"x, y"\n'


def test_no_rejection_is_a_header(tmp_path):
    write_rejections([], tmp_path / "rejected.csv")
    assert (tmp_path / "rejected.csv").read_text() == "file,row,reason\n"
