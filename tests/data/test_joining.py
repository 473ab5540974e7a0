import pytest

from data_set import DataSet, read_rows
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.data.joining import join_folders


@pytest.fixture
def folders(tmp_path):
    sets = [DataSet(tmp_path / name, people=1) for name in ("one", "two")]
    for data_set, name in zip(sets, ("studio", "street"), strict=True):
        (data_set.folder / "data").rename(data_set.folder / name)
    return [tmp_path / "one/studio", tmp_path / "two/street"]


def test_names_are_unique_by_folder_and_pairs_stay_together(folders, tmp_path):
    joined = join_folders(folders, tmp_path / "out")
    assert (joined.videos, joined.rejections) == (4, [])
    rows = read_rows(tmp_path / "out/videos.csv")
    assert [(row["video"], row["source"]) for row in rows] == [
        ("studio_p0_real.mp4", "studio_p0"),
        ("studio_p0_fake.mp4", "studio_p0"),
        ("street_p0_real.mp4", "street_p0"),
        ("street_p0_fake.mp4", "street_p0"),
    ]
    videos = {path.name for path in (tmp_path / "out/videos").iterdir()}
    assert videos == {row["video"] for row in rows}
    faces = read_annotation_folder(tmp_path / "out/annotations", {}).faces
    assert set(faces["name"]) == videos
    assert len(faces) == 4 * 6
    assert faces[["left", "top", "right", "bottom"]].drop_duplicates().to_numpy().tolist() == [
        [16, 8, 48, 40]
    ]


def test_corrections_of_labels_are_taken_along(folders, tmp_path):
    rows = "video,first_frame,last_frame,corrected_label\np0_real,0,5,fake\n"
    (folders[1] / "annotations/labels.csv").write_text(rows)
    join_folders(folders, tmp_path / "out")
    (correction,) = read_annotation_folder(tmp_path / "out/annotations", {}).corrections
    assert tuple(correction)[1:-1] == ("street_p0_real", 0, 5, "", "fake")


def test_two_folders_of_one_name_are_rejected(folders, tmp_path):
    with pytest.raises(ValueError, match=r"folders with the same name: studio, studio; rename"):
        join_folders([folders[0], folders[0]], tmp_path / "out")


def test_a_folder_without_videos_is_rejected(folders, tmp_path):
    with pytest.raises(ValueError, match="expected a folder `videos` in it"):
        join_folders([*folders, tmp_path], tmp_path / "out")


def test_annotations_of_a_video_that_is_not_there_are_listed(folders, tmp_path):
    (folders[0] / "videos/p0_fake.mp4").unlink()
    joined = join_folders(folders, tmp_path / "out")
    assert joined.videos == 3
    assert [rejection.reason for rejection in joined.rejections] == [
        "there is no video 'p0_fake.mp4' in data/videos; copy it there"
    ]


def test_methods_come_from_the_table_beside_the_list(folders, tmp_path):
    table = "video,method,group\np0_fake.mp4,Wav2Lip,lip-sync\n"
    (folders[0] / "SOURCES.csv").write_text(table)
    join_folders(folders, tmp_path / "out")
    rows = {row["video"]: row for row in read_rows(tmp_path / "out/videos.csv")}
    fake = rows["studio_p0_fake.mp4"]
    assert (fake["method"], fake["method_group"], fake["dataset"]) == (
        "Wav2Lip",
        "lip-sync",
        "studio",
    )
    assert rows["street_p0_fake.mp4"]["method"] == ""


def test_a_folder_of_one_method_is_named_as_a_whole(folders, tmp_path):
    join_folders(folders, tmp_path / "out", {"street": ("DeepFaceLive", "face swap")})
    rows = {row["video"]: row for row in read_rows(tmp_path / "out/videos.csv")}
    assert rows["street_p0_fake.mp4"]["method_group"] == "face swap"
    assert rows["studio_p0_fake.mp4"]["method_group"] == ""
