import pytest

from deepfake_detector.data.annotations.reader import read_annotation_folder

HEADER = "video,face,first_frame,last_frame,label,corrected_label\n"


def read(tmp_path, *rows):
    (tmp_path / "labels.csv").write_text(HEADER + "\n".join(rows) + "\n")
    return read_annotation_folder(tmp_path, {})


def test_rows_with_a_corrected_label_are_read_and_others_passed_over(tmp_path):
    found = read(tmp_path, "a.mp4,0,3,9,fake,Real", "b.mp4,1,0,5,real,", "b.mp4,,2,2.0,real,fake")
    assert [tuple(row)[:-1] for row in found.corrections] == [
        (2, "a.mp4", 3, 9, "0", "real"),
        (4, "b.mp4", 2, 2, "", "fake"),
    ]
    assert found.corrections[0].file == (tmp_path / "labels.csv").as_posix()
    assert len(found.faces) == len(found.rejections) == len(found.lost) == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.mp4,0,3,9,fake,unsure", "row 2: corrected_label: expected real, fake or nothing, got"),
        ("a.mp4,0,three,9,fake,real", "row 2: frame: expected a whole number, got 'three'"),
        ("a.mp4,0,9,3,fake,real", "row 2: first_frame 9 is after last_frame 3"),
        (",0,3,9,fake,real", "row 2: video: expected the name of a video, got nothing"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_loses_no_face(tmp_path, row, reason):
    found = read(tmp_path, row)
    (rejection,) = found.rejections
    assert rejection.reason.startswith(reason)
    assert not found.corrections
    assert not found.lost
