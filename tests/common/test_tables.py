import pandas as pd
import pytest

from deepfake_detector.common.tables import Refusal, read_table, write_refusals, write_table


def test_table_comes_back_and_names_that_look_like_numbers_stay_text(tmp_path):
    table = pd.DataFrame({"video": ["1", "NA"], "identity": ["", "null"], "frames": [3, 4]})
    write_table(table, tmp_path / "folder/videos.csv")
    again = read_table(tmp_path / "folder/videos.csv")
    assert again["video"].tolist() == ["1", "NA"]
    assert again["identity"].tolist() == ["", "null"]
    assert again["frames"].tolist() == [3, 4]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["videos.csv"]


def test_missing_table_names_the_stage_that_writes_it(tmp_path):
    with pytest.raises(ValueError, match="run the stage validate first"):
        read_table(tmp_path / "validate/videos.csv")


def test_refusals_are_in_the_order_of_files_and_rows(tmp_path):
    refusals = [Refusal("b", 10, "x, y"), Refusal("b", 9, "x"), Refusal("a", None, "z")]
    write_refusals(refusals, tmp_path / "refused.csv")
    assert (tmp_path / "refused.csv").read_text() == 'file,row,reason\na,,z\nb,9,x\nb,10,"x, y"\n'


def test_no_refusal_is_a_header(tmp_path):
    write_refusals([], tmp_path / "refused.csv")
    assert (tmp_path / "refused.csv").read_text() == "file,row,reason\n"
