import numpy as np
import pandas as pd
import pytest

from deepfake_detector.evaluation.tracked_videos import name_track, name_video
from deepfake_detector.verdicts.face_track import FaceTrack

BOX = (0, 0, 100, 100)
COLUMNS = ["frame", "left", "top", "right", "bottom", "label"]


def follow(*frames, box=BOX):
    count = len(frames)
    half = np.full(count, 0.5)
    return FaceTrack(1, np.array(frames), np.tile(box, (count, 1)), half, half, half)


def annotate(*faces):
    return pd.DataFrame(faces, columns=COLUMNS)


@pytest.mark.parametrize(
    ("labels", "name"),
    [(["real", "real"], "real"), (["real", "fake"], "fake"), (["fake"], "fake"), ([], "")],
)
def test_a_video_is_fake_if_any_of_its_faces_is(labels, name):
    assert name_video(pd.Series(labels, dtype=str)) == name


def test_a_track_is_the_annotated_face_it_lies_on():
    truth = annotate((0, *BOX, "fake"), (0, 200, 0, 300, 100, "real"), (5, *BOX, "fake"))
    assert name_track(follow(0, 5), truth, 0.5) == "fake"
    assert name_track(follow(0, box=(200, 0, 300, 100)), truth, 0.5) == "real"


def test_the_commoner_label_wins():
    truth = annotate((0, *BOX, "fake"), (5, *BOX, "real"), (10, *BOX, "real"))
    assert name_track(follow(0, 5, 10), truth, 0.5) == "real"


def test_a_track_that_lies_on_a_face_for_less_than_half_its_time_is_none():
    truth = annotate((0, *BOX, "fake"))
    assert name_track(follow(0, 5), truth, 0.5) == "fake"
    assert name_track(follow(0, 5, 10), truth, 0.5) == ""
    assert name_track(follow(0, box=(60, 0, 160, 100)), truth, 0.5) == ""


def test_a_video_without_annotated_faces_has_no_known_track():
    assert name_track(follow(0, 5), annotate(), 0.5) == ""
