"""`score.py`: anyone's CSV files in, a table or a JSON object out, bad rows named."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import score
from deepfake_detector.metrics.detection_files import read_files

PROJECT = Path(__file__).parents[1]
DETECTIONS = "image,label,score,left,top,right,bottom\n"
TRUTH = "image,label,left,top,right,bottom\n"
FACES = "a.jpg,real,0,0,10,10\nb.jpg,fake,20,0,30,10\nempty.jpg,,,,,\n"
FOUND = (
    "a.jpg,real,0.9,0,0,10,10\na.jpg,fake,0.1,0,0,10,10\n"
    "b.jpg,fake,0.4,20,0,30,10\nempty.jpg,fake,0.8,5,5,9,9\n"
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write DETECTIONS.csv and TRUTH.csv; give their paths."""
    monkeypatch.chdir(PROJECT)

    def write(detections=DETECTIONS + FOUND, truth=TRUTH + FACES):
        paths = tmp_path / "DETECTIONS.csv", tmp_path / "TRUTH.csv"
        for path, text in zip(paths, (detections, truth), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths

    return write


def run(monkeypatch, capsys, *arguments) -> str:
    monkeypatch.setattr(sys, "argv", ["score.py", *map(str, arguments)])
    score.main()
    return capsys.readouterr().out


def test_json_object_has_every_rule_of_every_row(files, monkeypatch, capsys):
    scores = json.loads(run(monkeypatch, capsys, *files(), "--json"))
    assert list(scores) == ["real", "fake", "mean", "class_agnostic"]
    assert scores["real"] == pytest.approx({"voc_11": 1, "voc_area": 1, "coco": 1})
    # the false alarm on the empty image outranks the fake face
    assert scores["fake"] == pytest.approx({"voc_11": 0.5, "voc_area": 0.5, "coco": 0.5})
    assert scores["mean"] == pytest.approx({"voc_11": 0.75, "voc_area": 0.75, "coco": 0.75})
    # locations: face a 1.0, alarm 0.8, face b 0.4: precision 1, then 2/3
    assert scores["class_agnostic"]["voc_area"] == pytest.approx((1 + 2 / 3) / 2)


def test_table_counts_and_says_what_is_not_available(files, monkeypatch, capsys):
    paths = files(truth=TRUTH + "a.jpg,real,0,0,10,10\nb.jpg,,,,,\nempty.jpg,,,,,\n")
    table = run(monkeypatch, capsys, *paths)
    assert "3 images, 1 faces (1 real, 0 fake), 4 detections" in table
    assert "fake                          n/a         n/a         n/a" in table
    assert json.loads(run(monkeypatch, capsys, *paths, "--json"))["fake"]["coco"] is None


def test_images_may_be_video_and_frame(files):
    found = (
        "video,frame,label,score,left,top,right,bottom\nv,3,real,.5,0,0,9,9\nw,0,fake,.5,1,1,9,9\n"
    )
    faces = "video,frame,label,left,top,right,bottom\nw,0,,,,,\nv,1,,,,,\nv,3,real,0,0,9,9\n"
    detections, truth, images = read_files(*files(found, faces))
    assert images == 3
    assert truth.image.tolist() == [2]
    assert detections.image.tolist() == [2, 0]


def test_columns_may_stand_in_any_order_with_others_between(files):
    truth = "note,bottom,right,top,left,label,image\n!,10,9,2,1,fake,a.jpg\n"
    found = DETECTIONS + "a.jpg,real,0.9,0,0,10,10\n"
    assert read_files(*files(found, truth))[1].boxes.tolist() == [[1, 2, 9, 10]]


def test_close_scores_stay_apart(files):
    rows = "a.jpg,real,0.99999999,0,0,1,1\na.jpg,real,0.999999991,0,0,1,1\n"
    scores = read_files(*files(DETECTIONS + rows))[0].score
    assert scores[0] < scores[1]


def test_files_without_rows_are_empty_not_wrong(files):
    detections, truth, images = read_files(*files(DETECTIONS, TRUTH))
    assert (len(detections.score), len(truth.label), images) == (0, 0, 0)


@pytest.mark.parametrize(
    ("detections", "truth", "message"),
    [
        ("a.jpg,real,high,0,0,1,1\n", None, "NS.csv row 2: score: expected a number, got 'high'"),
        ("a.jpg,real,nan,0,0,1,1\n", None, "DETECTIONS.csv row 2: score: expected a number"),
        ("\n\na.jpg,real,.5,9,0,1,1\n", None, "DETECTIONS.csv row 4: box is inside out"),
        ("a.jpg,real,.5,0,0,1\n", None, "DETECTIONS.csv row 2: expected 7 columns, got 6"),
        ("a.jpg,Fake,.5,0,0,1,1\n", None, "row 2: label: expected real or fake, got 'Fake'"),
        ("\nz.jpg,real,.5,0,0,1,1\n", None, "DETECTIONS.csv row 3: image: not in"),
        ("a.jpg,real,.5,0,,1,1\n", None, "DETECTIONS.csv row 2: box: expected four numbers"),
        (None, "a.jpg,real,0,0,inf,10\n", "TRUTH.csv row 2: box: expected four numbers"),
        (None, "a.jpg,real,4,0,4,10\n", "TRUTH.csv row 2: box has no area"),
        (None, "a.jpg,real,0,0,ten,10\n", "TRUTH.csv row 2: right: expected a number, got 'ten'"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(files, detections, truth, message):
    paths = files(DETECTIONS + (detections or ""), TRUTH + (truth or FACES))
    with pytest.raises(ValueError, match="row") as error:
        read_files(*paths)
    assert message in str(error.value)


def test_a_missing_column_is_named(files):
    with pytest.raises(
        ValueError, match=r"expected the columns image, label, .*, got image, score"
    ):
        read_files(*files("image,score\n"))


def test_an_empty_file_is_named(files):
    with pytest.raises(ValueError, match=r"TRUTH.csv: expected the columns .*, got none"):
        read_files(*files(truth=""))


def test_both_files_must_name_images_alike(files):
    found = "video,frame,label,score,left,top,right,bottom\nv,3,real,.5,0,0,9,9\n"
    with pytest.raises(ValueError, match="both must name images in the same way"):
        read_files(*files(detections=found))


def test_a_frame_must_be_a_whole_number(files):
    faces = "video,frame,label,left,top,right,bottom\nv,1,,,,,\n"
    header = "video,frame,label,score,left,top,right,bottom\n"
    with pytest.raises(ValueError, match=r"row 2: frame: expected a whole number, got '1.5'"):
        read_files(*files(header + "v,1.5,real,.5,0,0,9,9\n", faces))
    with pytest.raises(ValueError, match=r"row 2: frame: expected a whole number from 0 on"):
        read_files(*files(header + "v,-1,real,.5,0,0,9,9\n", faces))


def test_a_bad_file_ends_the_command_with_one_sentence(files):
    paths = files(detections=DETECTIONS + "a.jpg,real,high,0,0,1,1\n")
    command = [sys.executable, "src/score.py", *map(str, paths)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("score: ")
    assert ended.stderr.count("\n") == 1
