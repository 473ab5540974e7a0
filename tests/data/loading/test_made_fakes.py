import cv2
import numpy as np
import pytest

from deepfake_detector.config.schema import ForgingMethods
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.loading import made_fakes
from deepfake_detector.data.loading.crop_index import list_crops, read_crop
from deepfake_detector.data.loading.made_fakes import (
    DRAWING_ORDER,
    CutFace,
    FakeMaker,
    draw_method,
)
from deepfake_detector.forging.landmark_masks import OVAL

BOX, WHOLE = np.array([[0.25, 0.25, 0.75, 0.75]]), np.array([[0.0, 0, 1, 1]])


def make_methods(**fractions):
    return ForgingMethods(**dict.fromkeys(DRAWING_ORDER, 0.0) | fractions)


ALONE, FRAMES = make_methods(self_blend=1.0), make_methods(other_frame=1.0)
PEOPLE = make_methods(other_person=1.0)


def make_points():
    points = np.full((1, 468, 2), 0.5) + np.random.default_rng(0).uniform(-0.1, 0.1, (468, 2))
    angles = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    points[0, list(OVAL)] = 0.5 + 0.25 * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return points


@pytest.fixture
def make_faces(tmp_path):
    """Make the faces of two sources, two frames each; the second source is much brighter."""

    def make(landmarks):
        faces = []
        for number, video in enumerate(("first", "second")):
            records = []
            for frame in (0, 5):
                noise = np.random.default_rng([number, frame]).integers(0, 60, (100, 100, 3))
                jpeg = cv2.imencode(".png", (noise + 150 * number).astype(np.uint8))[1].tobytes()
                record = (jpeg, BOX, np.array([1]), [jpeg], WHOLE, video, frame, 100, 100)
                records.append(FrameRecord(*record, landmarks))
            write_shard(tmp_path / f"{video}.tfrecord", records)
            faces.append(list_crops([tmp_path / f"{video}.tfrecord"]))
        return faces

    return make


def cut(crop):
    picture = read_crop(crop)
    return CutFace(crop, picture, np.array([10.0, 10, 90, 90]), picture[10:90, 10:90])


@pytest.fixture
def seen(monkeypatch):
    """Tell which way a fake was made, and of what."""
    calls = []
    for name in ("blend_by_landmarks", "blend_with_itself"):
        make = getattr(made_fakes, name)

        def watch(*arguments, name=name, make=make):
            calls.append((name, arguments))
            return make(*arguments)

        monkeypatch.setattr(made_fakes, name, watch)
    return calls


def test_points_move_from_the_picture_to_the_cut():
    blank = np.zeros((40, 40, 3), np.uint8)
    face = CutFace(None, blank, np.array([10.0, 20, 90, 100]), blank)
    assert face.to_cut(np.array([[10.0, 20], [90, 60]])).tolist() == [[0, 0], [40, 20]]


def test_methods_are_drawn_as_often_as_asked_for():
    asked = dict(zip(DRAWING_ORDER, (0.15, 0.3, 0.2, 0.1, 0.15, 0.1), strict=True))
    generator = np.random.default_rng(0)
    drawn = [draw_method(make_methods(**asked), generator) for _ in range(4000)]
    fractions = {name: drawn.count(name) / 4000 for name in DRAWING_ORDER}
    assert fractions == pytest.approx(asked, abs=0.03)


def test_a_matched_person_has_the_light_of_the_picture(make_faces):
    faces = make_faces(make_points())
    face = cut(faces[0][0])  # the other source is 150 grey levels brighter
    maker = FakeMaker(faces, make_methods(matched_person=1.0))
    real, fake = maker.make(0, face, np.random.default_rng(2))
    assert np.array_equal(real, face.cut)
    assert (real != fake).any()
    assert abs(float(fake.mean()) - float(real.mean())) < 5


def test_another_expression_changes_the_face_alone(make_faces):
    face = cut(make_faces(make_points())[0][0])
    maker = FakeMaker([[face.crop]], make_methods(expression_warp=1.0))
    real, fake = maker.make(0, face, np.random.default_rng(1))
    assert np.array_equal(real, face.cut)
    changed = (real != fake).any(axis=-1)
    assert changed.any()
    assert not changed[:4].any()
    assert not changed[:, :4].any()


def test_a_picture_is_drawn_anew_as_a_whole_or_in_the_face(make_faces):
    face = cut(make_faces(make_points())[0][0])
    maker = FakeMaker([[face.crop]], make_methods(resynthesis=1.0))
    whole = []
    for seed in range(12):
        real, fake = maker.make(0, face, np.random.default_rng(seed))
        assert np.array_equal(real, face.cut)
        assert real.shape == fake.shape
        assert (real != fake).any()
        whole.append((real != fake)[:4].any())
    assert 0 < sum(whole) < 12


@pytest.mark.parametrize("params", [ALONE, FRAMES, PEOPLE])
def test_landmarks_are_followed_where_they_are_known(make_faces, seen, params):
    faces = make_faces(make_points())
    face = cut(faces[0][0])
    real, fake = FakeMaker(faces, params).make(0, face, np.random.default_rng(0))
    ((way, (own, partner, _)),) = seen
    assert way == "blend_by_landmarks"
    assert own.landmarks == pytest.approx(make_points()[0] * 100 - 10, abs=0.05)  # half precision
    assert (partner is None) == (params is ALONE)
    if partner is not None:
        assert (partner.image.mean() > 100) == (params is PEOPLE)
    assert real.shape == fake.shape == (80, 80, 3)


@pytest.mark.parametrize("params", [ALONE, FRAMES, PEOPLE])
def test_without_landmarks_masks_are_drawn_in_the_box(make_faces, seen, params):
    faces = make_faces(None)
    face = cut(faces[0][0])
    FakeMaker(faces, params).make(0, face, np.random.default_rng(0))
    ((way, (_, box_px, other, _)),) = seen
    assert way == "blend_with_itself"
    assert box_px == pytest.approx([15, 15, 65, 65])
    assert (other is face.cut) == (params is not FRAMES)  # nobody else's face fits


def test_the_same_draw_gives_the_same_fake(make_faces):
    faces = make_faces(make_points())
    maker = FakeMaker(faces, PEOPLE)
    pairs = [maker.make(0, cut(faces[0][0]), np.random.default_rng(7)) for _ in range(2)]
    assert np.array_equal(*pairs)
