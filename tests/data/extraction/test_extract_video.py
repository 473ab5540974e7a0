import dataclasses

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.files import hash_file
from deepfake_detector.config.schema import ExtractFramesParams
from deepfake_detector.data.extraction.extract_video import Extraction, extract_video
from deepfake_detector.data.frame_records import read_records
from deepfake_detector.data.loading.crop_index import (
    find_box_px,
    find_landmarks_px,
    list_crops,
    read_crop,
)

PARAMS = ExtractFramesParams(
    frame_stride=10,
    max_side_px=640,
    crop_scale=2.2,
    crop_max_side_px=120,
    landmarks=True,
    jpeg_quality=95,
)
FACE, WALL = (140.95, 72.34, 270.79, 255.74), (10.0, 10.0, 50.0, 50.0)  # of franck_3.mp4
FRAMES, WIDTH_PX, HEIGHT_PX = 11, 360, 288
NOSE, CHIN, LEFT_EYE, RIGHT_EYE = 1, 152, 33, 263


@pytest.fixture(scope="module")
def extraction(sample):
    path = sample / "videos/franck_3.mp4"
    rows = [(0, *FACE, "real"), (0, *WALL, "real")]  # and frame 10 has no face
    faces = pd.DataFrame(rows, columns=["frame", *BOX, "label"])
    return Extraction(
        path, hash_file(path), FRAMES, WIDTH_PX, HEIGHT_PX, faces, frozenset(), PARAMS
    )


def extract(extraction, folder):
    assert extract_video((extraction, folder)) == ""
    return folder / "franck_3.mp4.tfrecord"


def test_landmarks_stand_beside_the_crop_of_a_face_and_not_of_a_wall(extraction, tmp_path):
    face, wall = list_crops([extract(extraction, tmp_path)])[:2]
    assert wall.landmarks is None
    assert find_landmarks_px(wall, read_crop(wall)) is None
    picture = read_crop(face)
    assert max(picture.shape) == 120  # shrunk
    left, top, right, bottom = find_box_px(face, picture)
    points = find_landmarks_px(face, picture)
    assert points.shape == (468, 2)
    assert left < points[LEFT_EYE, 0] < points[NOSE, 0] < points[RIGHT_EYE, 0] < right
    assert top < points[LEFT_EYE, 1] < points[NOSE, 1] < points[CHIN, 1] < bottom + 3


def test_the_aspect_of_a_crop_is_that_of_its_picture(extraction, tmp_path):
    face, _ = list_crops([extract(extraction, tmp_path)])[:2]
    height, width = read_crop(face).shape[:2]
    assert width != height  # the frame is too low for the whole crop
    assert face.aspect == pytest.approx(width / height, abs=0.02)


def test_frames_without_faces_have_no_landmarks(extraction, tmp_path):
    _, empty = list(read_records([extract(extraction, tmp_path)]))[:2]
    assert empty["landmarks"].shape == (0,)


def test_a_shard_has_the_same_bytes_each_time(extraction, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    contents = [extract(extraction, folder).read_bytes() for folder in (first, second)]
    assert contents[0] == contents[1]


def test_no_landmarks_are_looked_for_unless_they_are_wanted(extraction, tmp_path):
    without = dataclasses.replace(
        extraction, params=PARAMS.model_copy(update={"landmarks": False})
    )
    crops = list_crops([extract(without, tmp_path)])
    assert [crop.landmarks for crop in crops] == [None, None]
    assert without.compute_fingerprint() != extraction.compute_fingerprint()
    assert np.isfinite([crop.box for crop in crops]).all()
