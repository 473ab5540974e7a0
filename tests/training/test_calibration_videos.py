import numpy as np
import pandas as pd
import pytest

from data_set import make_frames
from deepfake_detector.training.calibration_videos import (
    AS_IT_IS,
    AnnotatedVideo,
    label_copies,
    label_video,
    read_tracks,
    write_tracks,
)
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.video.degraded_copies import COPIES, DegradedCopy
from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.writing import write_video

FACE = [40, 20, 80, 60]
QUARTER = DegradedCopy("quarter", 1 / 4, 23)


def make_track(scale=1.0):
    boxes = np.tile(np.array(FACE, float) * scale, (3, 1))
    columns = [np.array([0.2, 0.3, 0.4]), np.array([0.7, 0.6, 0.5])]
    quality = [np.full(3, 50.0), np.full(3, 90.0), np.full(3, 1.1)]
    return FaceTrack(2, np.array([0, 2, 4]), boxes, *columns, *quality)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, make_frames(5, 1, 160, 96), fps=25)
    rows = [(frame, *FACE, "fake") for frame in range(5)]
    faces = pd.DataFrame(rows, columns=["frame", "left", "top", "right", "bottom", "label"])
    return AnnotatedVideo(path, "abc", "somebody", "face swap", faces)


def test_a_track_gets_the_label_of_the_face_it_lies_on(video):
    labelled = label_video(video, [make_track()], AS_IT_IS, 0.5)
    assert (labelled.label, labelled.track_labels) == ("fake", ["fake"])
    assert (labelled.source, labelled.kind) == ("somebody", "face swap")


def test_annotations_shrink_with_the_copy(video):
    assert label_video(video, [make_track(0.25)], QUARTER, 0.5).track_labels == ["fake"]
    assert label_video(video, [make_track(1.0)], QUARTER, 0.5).track_labels == [""]


def test_each_video_is_analyzed_as_it_is_and_as_each_copy_but_once(video, tmp_path):
    seen = []

    def analyze(path):
        seen.append(probe_video(path).width_px)
        return [make_track(seen[-1] / 160)]

    def run(model="m1"):
        kept = tmp_path / "kept"
        return list(label_copies([video], COPIES, analyze, kept, model, 0.5))

    first = run()
    assert seen == [160, 160, 160, 80, 40]
    assert [one.track_labels for one in first] == [["fake"]] * 5
    again = run()
    assert len(seen) == 5
    np.testing.assert_array_equal(again[2].tracks[0].boxes_px, first[2].tracks[0].boxes_px)
    run(model="m2")
    assert len(seen) == 10


def test_tracks_come_back_as_they_were(tmp_path):
    write_tracks([make_track()], tmp_path / "tracks.npz")
    (track,) = read_tracks(tmp_path / "tracks.npz")
    assert track.track == 2
    for name in ("frames", "boxes_px", "real", "fake", "sharpness", "brightness", "blockiness"):
        np.testing.assert_array_equal(getattr(track, name), getattr(make_track(), name))


def test_a_video_without_a_face_has_no_tracks(tmp_path):
    write_tracks([], tmp_path / "tracks.npz")
    assert read_tracks(tmp_path / "tracks.npz") == []
