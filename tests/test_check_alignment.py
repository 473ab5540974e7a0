"""`check_alignment.py` on clips whose annotations are late, cut short, right, or not decidable."""

import sys

import cv2
import numpy as np
import pytest
from tests.data_set import DataSet, read_rows

import check_alignment
import validate
from deepfake_detector.data.annotation_timing import video_alignment
from deepfake_detector.faces.offline_tracker import FrameDetections
from deepfake_detector.video.writing import write_video

FRAMES, SIZE = 100, 48
_GENERATOR = np.random.default_rng(0)
BACK = cv2.resize(_GENERATOR.integers(90, 120, (12, 16, 3), np.uint8), (160, 120))
FACE = cv2.resize(_GENERATOR.integers(0, 255, (12, 12, 3), np.uint8), (SIZE, SIZE))
FACE[:4, :4] = 255  # the finder's mark


class MarkFinder:
    """Stands in for MTCNN: finds the white corner of the face, if there is one."""

    def __init__(self, min_face_px):
        pass

    def detections(self, image, frame=0):
        gray = cv2.cvtColor(cv2.resize(image, (160, 120)), cv2.COLOR_RGB2GRAY)
        scale = image.shape[1] / 160
        corner = cv2.minMaxLoc(cv2.matchTemplate(gray, np.full((4, 4), 255, np.uint8), 0))
        left, top = corner[2]
        boxes = np.array([[left, top, left + SIZE, top + SIZE]], float) * scale
        kept = [corner[0] < 20_000]
        return FrameDetections(frame, boxes[kept], np.zeros((sum(kept), 5, 2)), np.ones(sum(kept)))


def make_path(moves: bool) -> np.ndarray:
    """Make the left and top of a face in each frame."""
    times = np.arange(FRAMES)
    sway = np.stack([30 * np.sin(times / 6), 20 * np.sin(times / 9 + 1)], axis=1)
    return (np.array([50, 30]) + sway * moves).round().astype(int)


def add(data_set, video, moves, shift=0, until=FRAMES):
    path = make_path(moves)
    frames = []
    for left, top in path:
        image = BACK.copy()
        image[top : top + SIZE, left : left + SIZE] = FACE
        image[:8, :8] = 50 * len(data_set.listed)  # no two clips are the same
        frames.append(image)
    write_video(data_set.videos / video, frames, 25)
    data_set.rows += [
        (video, frame + shift, left, top, left + SIZE, top + SIZE, video.split("_")[1][:4])
        for frame, (left, top) in enumerate(path.tolist())
        if frame < until and 0 <= frame + shift < FRAMES
    ]
    data_set.listed.append((video, video.split("_")[0]))


@pytest.fixture
def data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(video_alignment, "MTCNNFaceDetector", MarkFinder)
    video_alignment._make_detector.cache_clear()
    data_set = DataSet(tmp_path, people=0)
    add(data_set, "right_real.mp4", moves=True)
    add(data_set, "late_fake.mp4", moves=True, shift=3)
    add(data_set, "early_real.mp4", moves=True, shift=-4)
    add(data_set, "still_fake.mp4", moves=False)
    add(data_set, "short_real.mp4", moves=True, until=60)
    data_set.write()
    yield data_set
    video_alignment._make_detector.cache_clear()


def run(monkeypatch, script, *options):
    monkeypatch.setattr(sys, "argv", [script.__name__, "--workers", "1", *options])
    script.main()


def test_exactly_what_is_off_is_named_and_frame_offset_mends_it(data_set, monkeypatch, caplog):
    caplog.set_level("INFO")
    run(monkeypatch, validate)
    run(monkeypatch, check_alignment, "--apply")
    folder = data_set.folder / "artifacts/check_alignment"
    rows = {row.pop("video"): row for row in read_rows(folder / "alignment.csv")}
    found = {name: (row["status"], row["shift"], row["uncovered"]) for name, row in rows.items()}
    assert found == {
        "early_real.mp4": ("shifted", "4", ""),
        "late_fake.mp4": ("shifted", "-3", ""),
        "right_real.mp4": ("aligned", "0", ""),
        "short_real.mp4": ("aligned", "0", "60-99"),
        "still_fake.mp4": ("undecidable", "0", ""),
    }
    assert rows["still_fake.mp4"]["reason"] == "the face hardly moves, several shifts fit alike"
    assert "late_fake.mp4: annotations are off by 3 frames" in caplog.text
    assert "nothing is annotated in frames 60 to 99, and 5 of the 5 frames" in caplog.text
    page = (folder / "alignment.html").read_text()
    assert page.index("late_fake.mp4: shifted") < page.index("right_real.mp4: aligned")
    assert page.count('class="marked"') == 3
    assert page.count("data:image/jpeg;base64,") == 5 * 3

    offsets = {
        row["video"]: row["frame_offset"] for row in read_rows(data_set.folder / "data/videos.csv")
    }
    assert offsets == {
        "early_real.mp4": "4", "late_fake.mp4": "-3",
        "right_real.mp4": "", "short_real.mp4": "", "still_fake.mp4": "",
    }  # fmt: skip
    monkeypatch.setattr(video_alignment, "find_and_follow", pytest.fail)  # it is known by now
    run(monkeypatch, validate)
    run(monkeypatch, check_alignment)
    rows = {row["video"]: row["status"] for row in read_rows(folder / "alignment.csv")}
    assert rows["late_fake.mp4"] == rows["early_real.mp4"] == "aligned"


def test_stage_that_has_not_run_is_named(data_set, monkeypatch):
    with pytest.raises(SystemExit, match="run the stage validate first"):
        run(monkeypatch, check_alignment)
