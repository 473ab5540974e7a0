import pandas as pd
import pytest

from deepfake_detector.common.tables import Rejection, read_table, write_rejections, write_table


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


def test_rejections_are_in_the_order_of_files_and_rows(tmp_path):
    rejections = [Rejection("b", 10, "x, y"), Rejection("b", 9, "x"), Rejection("a", None, "z")]
    write_rejections(rejections, tmp_path / "rejected.csv")
    assert (tmp_path / "rejected.csv").read_text() == 'file,row,reason\na,,z\nb,9,x\nb,10,"x, y"\n'


def test_no_rejection_is_a_header(tmp_path):
    write_rejections([], tmp_path / "rejected.csv")
    assert (tmp_path / "rejected.csv").read_text() == "file,row,reason\n"
