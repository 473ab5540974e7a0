"""`forge.py`: fakes, originals, annotations and `videos.csv` in the layout of `data/`."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forge
from deepfake_detector.data.annotations.reader import read_annotations
from deepfake_detector.faces.alignment import TEMPLATE
from deepfake_detector.faces.offline_tracker import FrameDetections, make_empty_detections
from deepfake_detector.forging import autoencoder_forger, landmark_forger, swap_autoencoder
from deepfake_detector.video.images import write_image
from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.writing import write_video

PROJECT = Path(__file__).parents[1]
LARGE, SMALL = (20, 20, 60), (110, 30, 30)  # left, top, side of the two faces, px


class TwoFaceFinder:
    """Sees a large and a small face in every bright picture."""

    def __init__(self, min_face_px):
        pass

    def detections(self, image, frame=0):
        if image.mean() < 64:
            return make_empty_detections(frame)
        places = np.array([SMALL, LARGE], float)
        corners, sides = places[:, :2], places[:, 2:]
        boxes = np.concatenate([corners, corners + sides], axis=1)
        landmarks = corners[:, None] + sides[:, None] * TEMPLATE
        return FrameDetections(frame, boxes, landmarks, np.ones(2))


def write_people(path, gray, frames=6):
    noise = np.random.default_rng(gray).integers(0, 60, (100, 160, 3)) + gray
    write_video(path, [noise.astype(np.uint8)] * frames, 25)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run forge.py on videos `anna`, `bert` and `empty`; give the folder it wrote."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(forge, "MTCNNFaceDetector", TwoFaceFinder)
    write_people(tmp_path / "anna.mp4", 150)
    write_people(tmp_path / "bert.mp4", 100)
    write_video(tmp_path / "empty.mp4", [np.zeros((100, 160, 3), np.uint8)] * 4, 25)

    def run(names, *options):
        videos = [str(tmp_path / name) for name in names]
        out = tmp_path / "out"
        monkeypatch.setattr(sys, "argv", ["forge.py", *videos, "--out", str(out), *options])
        forge.main()
        return out

    return run


def read_video_rows(folder):
    with (folder / "videos.csv").open() as file:
        return {row["video"]: (row["source"], row["identity"]) for row in csv.DictReader(file)}


def read_faces(folder, *stems):
    """Read the annotations of some videos, which must be without a fault."""
    tables = []
    for stem in stems:
        faces, rejections = read_annotations(folder / "annotations" / f"{stem}.json")
        assert not rejections
        tables.append(faces)
    return pd.concat(tables)


def read_images(path):
    return np.stack([image.astype(int) for _, image in read_frames(path)])


def test_both_methods_give_an_original_and_two_fakes_of_every_video(run):
    out = run(["anna.mp4", "bert.mp4"])
    assert read_video_rows(out) == {
        "anna.mp4": ("anna", "anna"),
        "anna_swap.mp4": ("anna", "bert"),
        "anna_self_blend.mp4": ("anna", "anna"),
        "bert.mp4": ("bert", "bert"),
        "bert_swap.mp4": ("bert", "anna"),
        "bert_self_blend.mp4": ("bert", "bert"),
    }
    metadata = {probe_video(path) for path in (out / "videos").iterdir()}
    assert len(metadata) == 1  # alike in size, rate, frames and codec
    assert metadata.pop().codec == "h264"


def test_only_the_largest_face_is_fake(run):
    out = run(["anna.mp4"], "--method", "self_blend")
    faces = read_faces(out, "anna", "anna_self_blend")
    labels = {
        (name, label, left) for name, label, left in faces[["name", "label", "left"]].to_numpy()
    }
    assert labels == {
        ("anna.mp4", "real", 20.0),
        ("anna.mp4", "real", 110.0),
        ("anna_self_blend.mp4", "fake", 20.0),
        ("anna_self_blend.mp4", "real", 110.0),
    }
    assert len(faces) == 2 * 2 * 6


def assert_forged_inside_the_face_only(out, fake, least_change):
    images = [read_images(out / "videos" / name) for name in ("anna.mp4", fake)]
    change = np.abs(images[0] - images[1]).mean(axis=(0, 3))
    assert change[40:70, 40:60].mean() > least_change
    assert change[:, 110:].mean() < 3


def test_fake_differs_from_its_original_inside_the_forged_face_only(run, tmp_path):
    out = run(["anna.mp4"], "--method", "swap", "--donor", str(tmp_path / "bert.mp4"))
    assert_forged_inside_the_face_only(out, "anna_swap.mp4", 10)


def test_donor_that_is_given_serves_all_videos(run, tmp_path):
    out = run(["anna.mp4"], "--method", "swap", "--donor", str(tmp_path / "bert.mp4"))
    assert read_video_rows(out)["anna_swap.mp4"] == ("anna", "bert")
    assert not (out / "videos" / "anna_self_blend.mp4").exists()


def test_second_run_adds_to_the_folder(run):
    run(["anna.mp4"], "--method", "self_blend")
    out = run(["bert.mp4"], "--method", "self_blend")
    assert len(read_video_rows(out)) == 4
    assert len(list((out / "annotations").iterdir())) == 4


class Landmarker:
    """Finds 468 landmarks on a circle in the middle of each box."""

    def __init__(self, threads):
        pass

    def find_in_boxes(self, images, boxes_px):
        angles = np.linspace(0, 2 * np.pi, 468, endpoint=False)
        circle = 0.5 + 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        corners, sides = boxes_px[:, None, :2], (boxes_px[:, 2:] - boxes_px[:, :2])[:, None]
        return corners + sides * circle, np.ones(len(images))


@pytest.mark.parametrize("method", ["expression_warp", "resynthesis", "whole_resynthesis"])
def test_other_methods_add_to_the_fakes_of_a_video(run, monkeypatch, method):
    monkeypatch.setattr(landmark_forger, "FaceLandmarker", Landmarker)
    run(["anna.mp4"], "--method", "self_blend")
    out = run(["anna.mp4"], "--method", method)
    assert set(read_video_rows(out)) == {"anna.mp4", "anna_self_blend.mp4", f"anna_{method}.mp4"}
    faces = read_faces(out, "anna_self_blend", f"anna_{method}")
    small = faces[faces["left"] == SMALL[0]].groupby("name")["label"].unique().map(list)
    expected = ["fake"] if method == "whole_resynthesis" else ["real"]
    assert small[f"anna_{method}.mp4"] == expected
    assert small["anna_self_blend.mp4"] == ["real"]
    original, fake = (read_images(out / "videos" / f"{n}.mp4") for n in ("anna", f"anna_{method}"))
    change = np.abs(original - fake).mean(axis=(0, 3))
    assert change[30:70, 30:70].mean() > 1
    if method != "whole_resynthesis":
        assert change[:, 120:].mean() < change[30:70, 30:70].mean() / 2


@pytest.fixture
def make_small(monkeypatch):
    """Let an autoencoder be small, trained for two steps, and content with four faces."""
    for widths in ("_ENCODER_WIDTHS", "_DECODER_WIDTHS"):
        monkeypatch.setattr(swap_autoencoder, widths, (4, 4, 4, 4))
    monkeypatch.setattr(swap_autoencoder, "_N_CODES", 4)
    monkeypatch.setattr(autoencoder_forger, "MIN_FACES", 4)
    params = forge.load_params()
    short = params.forge.model_copy(update={"autoencoder_steps": 2})
    monkeypatch.setattr(forge, "load_params", lambda: params.model_copy(update={"forge": short}))


def test_autoencoder_swap_draws_the_donor_into_the_face_only(run, make_small, tmp_path):
    out = run(["anna.mp4"], "--method", "autoencoder_swap", "--donor", str(tmp_path / "bert.mp4"))
    assert read_video_rows(out) == {
        "anna.mp4": ("anna", "anna"),
        "anna_autoencoder_swap.mp4": ("anna", "bert"),
    }
    assert_forged_inside_the_face_only(out, "anna_autoencoder_swap.mp4", 5)


def test_person_with_too_few_faces_for_an_autoencoder_is_named(run, caplog):
    with pytest.raises(SystemExit, match="2 of 2 videos could not be forged"):
        run(["anna.mp4", "bert.mp4"], "--method", "autoencoder_swap")
    message = "skipped: anna.mp4: expected at least 30 frames with all of the face in the picture"
    assert message in caplog.text
    assert "found 6 of 6; take a longer video, or --method swap" in caplog.text


def test_one_picture_is_no_donor_for_an_autoencoder(run, tmp_path):
    write_image(tmp_path / "face.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(SystemExit, match=r"face\.png: .* one picture does not show; give a video"):
        run(["anna.mp4"], "--method", "autoencoder_swap", "--donor", str(tmp_path / "face.png"))


def test_keras_is_imported_for_an_autoencoder_only():
    code = "import sys, forge; sys.exit({'keras', 'tensorflow'} & set(sys.modules) and 1 or 0)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT / "src")


def test_same_seed_forges_the_same_bytes(run):
    out = run(["anna.mp4"], "--method", "self_blend")
    first = (out / "videos" / "anna_self_blend.mp4").read_bytes()
    run(["anna.mp4"], "--method", "self_blend")
    assert (out / "videos" / "anna_self_blend.mp4").read_bytes() == first


def test_video_without_a_face_is_named_and_the_others_are_forged(run, caplog):
    with pytest.raises(SystemExit, match="1 of 2 videos could not be forged"):
        run(["empty.mp4", "anna.mp4"], "--method", "self_blend")
    assert "skipped: empty.mp4: expected a face to forge, found none" in caplog.text
    assert "anna_self_blend.mp4" in read_video_rows(Path(sys.argv[-3]))


@pytest.mark.parametrize("method", ["swap", "both", "autoencoder_swap"])
def test_swap_of_one_video_needs_a_donor(run, method):
    with pytest.raises(SystemExit, match="a swap needs --donor or a second video"):
        run(["anna.mp4"], "--method", method)


def test_one_video_without_a_donor_is_self_blended(run):
    assert set(read_video_rows(run(["anna.mp4"]))) == {"anna.mp4", "anna_self_blend.mp4"}


def test_two_videos_of_one_name_are_rejected(run):
    with pytest.raises(SystemExit, match="two videos have the same name"):
        run(["anna.mp4", "anna.mp4"])


def test_original_is_never_overwritten(run, tmp_path, caplog):
    out = run(["anna.mp4"], "--method", "self_blend")
    before = (out / "videos" / "anna.mp4").read_bytes()
    with pytest.raises(SystemExit):
        run(["out/videos/anna.mp4"], "--method", "self_blend")
    assert "would be overwritten" in caplog.text
    assert (out / "videos" / "anna.mp4").read_bytes() == before
