import pytest

from deepfake_detector.data.validation.video_list import VideoEntry, read_video_list

VIDEOS = ["a.mp4", "b.mkv"]


@pytest.fixture
def read_list(tmp_path):
    def read(text):
        (tmp_path / "videos.csv").write_text(text, encoding="utf-8")
        return read_video_list(tmp_path / "videos.csv", VIDEOS)

    return read


def test_without_a_list_every_video_is_its_own_source(tmp_path):
    listed = read_video_list(tmp_path / "videos.csv", VIDEOS)
    assert listed.entries == {"a.mp4": VideoEntry("a.mp4"), "b.mkv": VideoEntry("b.mkv")}


def test_all_columns_are_read_and_only_the_video_is_needed(read_list):
    listed = read_list(
        "video,source,identity,split,frame_offset,licence\n"
        "a.mp4, clip 1 ,ann,test,-3,CC BY 4.0\n"
        "b,,,,,\n"
    )
    assert listed.entries["a.mp4"] == VideoEntry("clip 1", "ann", "test", -3, "CC BY 4.0")
    assert listed.entries["b.mkv"] == VideoEntry("b.mkv")
    assert listed.rejections == []


def test_misspelt_column_is_rejected_since_it_could_hide_a_source(read_list):
    with pytest.raises(ValueError, match=r"videos\.csv: expected .* got video, sorce"):
        read_list("video,sorce\na.mp4,x\n")


def test_empty_list_is_rejected(read_list):
    with pytest.raises(ValueError, match="got nothing; add the column video"):
        read_list("")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.mp4,x,tset,", "split: expected train, validation, test or nothing, got 'tset'"),
        ("a.mp4,x,,one", "frame_offset: expected a whole number, got 'one'"),
    ],
)
def test_row_that_cannot_be_used_leaves_its_video_out(read_list, row, reason):
    listed = read_list(f"video,source,split,frame_offset\nb.mkv,x,,\n{row}\n")
    (rejection,) = listed.rejections
    assert (rejection.row, rejection.reason) == (3, reason)
    assert list(listed.problems) == ["a.mp4"]


@pytest.mark.parametrize("name", ["c.mp4", "../a.mp4", ""])
def test_row_of_no_video_is_rejected(read_list, name):
    listed = read_list(f"video,source\n{name},x\n")
    (rejection,) = listed.rejections
    assert rejection.row == 2
    assert listed.problems == {}


def test_video_listed_twice_is_left_out_where_the_rows_differ(read_list):
    listed = read_list("video,source\na.mp4,x\nb.mkv,y\nb.mkv,y\na.mp4,z\n")
    assert list(listed.problems) == ["a.mp4"]
    assert [rejection.row for rejection in listed.rejections] == [5]


@pytest.mark.parametrize("offset", ["1" + "0" * 30, "9" * 5000, "-" + "9" * 20, "1_0", "1.5"])
def test_frame_offset_that_no_video_has_is_rejected_with_its_row(read_list, offset):
    listed = read_list(f"video,frame_offset\nb.mkv,3.0\na.mp4,{offset}\n")
    (rejection,) = listed.rejections
    assert rejection.row == 3
    assert rejection.reason.startswith("frame_offset: expected a whole number, got")
    assert len(rejection.reason) < 100
    assert listed.entries["b.mkv"].frame_offset == 3


def test_cell_without_bounds_is_one_message(read_list):
    with pytest.raises(ValueError, match=r"videos\.csv: not valid CSV \(field larger than field"):
        read_list("video,source\na.mp4," + "x" * 200_000 + "\n")


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        ("video,person,clip", "rename or remove 'person', 'clip'"),
        ("source", "add the column video"),
        ("video,source,source", "source is there twice; remove one"),
    ],
)
def test_the_column_that_is_wrong_is_named_with_what_to_do(read_list, columns, advice):
    with pytest.raises(ValueError, match=f"got {columns.replace(',', ', ')}; {advice}$"):
        read_list(f"{columns}\na,b,c\n")


def test_a_cell_that_no_column_has_is_named_with_its_row(read_list):
    found = read_list("video,licence\na.mp4,MIT, see file\nb.mp4,MIT,\n")
    (rejection,) = found.rejections
    assert rejection.row == 2
    assert "more cells than the first line has columns: 'see file'" in rejection.reason
