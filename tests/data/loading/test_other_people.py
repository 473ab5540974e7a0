from pathlib import Path

import numpy as np
import pytest

from deepfake_detector.data.loading.crop_index import Crop
from deepfake_detector.data.loading.other_people import OtherPeople, measure_shape
from deepfake_detector.forging.landmark_blending import STABLE
from deepfake_detector.forging.landmark_masks import OVAL

BOX = np.array([0.2, 0.2, 0.8, 0.8])


def make_crop(video, eye_moved=0.0, aspect=1.0, known=True):
    """A round face 0.6 wide, one eye of which stands elsewhere than other people's."""
    points = np.full((468, 2), 0.5)
    angles = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    points[list(OVAL)] += 0.3 * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    points[STABLE[0], 1] += eye_moved
    landmarks = points.astype(np.float16) if known else None
    return Crop(Path("x"), 0, 1, BOX, BOX, 1, video, 0, landmarks, aspect)


def choose_all(people, source, crop):
    chosen = (people.choose(source, crop, np.random.default_rng(seed)) for seed in range(30))
    return {crop.video for crop in chosen}


def test_another_persons_face_is_of_another_source():
    faces = [[make_crop("own")], [make_crop("second")], [make_crop("third")]]
    people = OtherPeople(faces)
    assert choose_all(people, 0, faces[0][0]) <= {"second", "third"}
    assert choose_all(people, 1, faces[1][0]) <= {"own", "third"}


def test_the_best_fitting_face_is_chosen():
    own, near, far = make_crop("own", 0.05), make_crop("near", 0.06), make_crop("far", 0.4)
    people = OtherPeople([[own], [near], [far]])
    assert choose_all(people, 0, own) == {"near"}  # 12 draws miss it once in 4096 times


def test_faces_without_landmarks_are_neither_given_nor_get_one():
    own, unknown = make_crop("own"), make_crop("unknown", known=False)
    people = OtherPeople([[own], [unknown, make_crop("known")], [unknown]])
    assert choose_all(people, 0, own) == {"known"}
    assert people.choose(0, unknown, np.random.default_rng(0)) is None


def test_a_person_alone_gets_nobody_elses_face():
    people = OtherPeople([[make_crop("own")], []])
    assert people.choose(0, make_crop("own"), np.random.default_rng(0)) is None


def test_a_shape_is_in_widths_of_the_face_whatever_the_aspect_of_its_crop():
    square, wide = (measure_shape(make_crop("x", 0.12, aspect)) for aspect in (1.0, 2.0))
    # the face is 0.6 wide, and 1.2 times the crop's height where the crop is twice as wide as high
    assert square[0, 1] - square[2, 1] == pytest.approx(0.12 / 0.6, abs=2e-3)
    assert wide[0, 1] - wide[2, 1] == pytest.approx(0.12 / 1.2, abs=2e-3)
