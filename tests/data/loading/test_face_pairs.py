from pathlib import Path

import cv2
import numpy as np
import pytest

from deepfake_detector.config.schema import PairParams, load_params
from deepfake_detector.data.frame_records import FrameRecord, read_records, write_shard
from deepfake_detector.data.loading import face_pairs
from deepfake_detector.data.loading.crop_index import (
    cut_from_record,
    find_box_px,
    list_crops,
    read_crop,
)
from deepfake_detector.data.loading.face_pairs import FacePairSampler, group_crops, list_unpaired

REAL, FAKE = 1, 2
PARAMS = load_params(Path(__file__).parents[3] / "params.yaml").face_classifier.model_copy(
    update={
        "crop_px": 32,
        "crop_scale": 1.5,
        "pairs": PairParams(
            dataset_fake_ratio=0.5,
            unpaired_fake_ratio=0.0,
            degradation_prob=0.5,
            max_degradations=1,
            center_jitter=0.05,
            scale_jitter=1.1,
        ),
    }
)


def change(**changes):
    pairs = PARAMS.pairs.model_copy(update=changes)
    return PARAMS.model_copy(update={"pairs": pairs})


GIVEN_ONLY = change(
    dataset_fake_ratio=1.0, degradation_prob=0.0, center_jitter=0.0, scale_jitter=1.0
)
BOX = np.array([[0.4, 0.4, 0.6, 0.6]])
WINDOW = np.array([[0.25, 0.25, 0.75, 0.75]])  # 2.5 times the box


def make_record(video, frame, label, value, side_px=400, box=BOX):
    """A frame of one grey with a face; its crop, which has all pixels, is of another grey."""
    shrunk, crop = (
        cv2.imencode(".png", np.full((px, px, 3), gray, np.uint8))[1].tobytes()
        for px, gray in ((100, value), (side_px // 2, value + 5))
    )
    labels = np.array([label])
    return FrameRecord(shrunk, box, labels, [crop], WINDOW, video, frame, side_px, side_px)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for video, label, value in (("real", REAL, 50), ("fake", FAKE, 100), ("alone", FAKE, 150)):
        records = [make_record(video, frame, label, value + frame) for frame in (0, 5)]
        write_shard(folder / f"{video}.tfrecord", records)
    return folder


@pytest.fixture
def crops(folder):
    return list_crops([folder / f"{video}.tfrecord" for video in ("real", "fake", "alone")])


def test_crops_are_read_from_where_they_lie(crops):
    assert [(crop.video, crop.frame, crop.label) for crop in crops[:3]] == [
        ("real", 0, REAL),
        ("real", 5, REAL),
        ("fake", 0, FAKE),
    ]
    greys = [int(read_crop(crop)[0, 0, 0]) for crop in crops]
    assert greys == [55, 60, 105, 110, 155, 160]


def test_the_box_of_a_face_is_known_in_px_of_its_crop(crops):
    assert find_box_px(crops[0], read_crop(crops[0])) == pytest.approx(
        [60, 60, 140, 140], abs=0.01
    )


def test_a_shard_without_faces_has_no_crops(tmp_path):
    nothing = np.zeros((0, 4))
    write_shard(
        tmp_path / "empty.tfrecord",
        [FrameRecord(b"", nothing, np.zeros(0, int), [], nothing, "empty", 0, 10, 10)],
    )
    assert list_crops([tmp_path / "empty.tfrecord"]) == []


def test_a_fake_belongs_to_the_face_of_the_same_frame_and_place(crops):
    (source,) = group_crops(crops[:4], {"real": "one", "fake": "one"})
    assert [[fake.frame for fake in forged] for forged in source.forged] == [[0], [5]]


def test_fakes_without_an_original_are_in_no_source(crops):
    (source,) = group_crops(crops, {"real": "one", "fake": "one", "alone": "two"})
    assert {crop.video for crop in source.real} == {"real"}
    assert {fake.video for forged in source.forged for fake in forged} == {"fake"}


def test_a_fake_elsewhere_in_the_frame_is_of_another_face(crops, tmp_path):
    elsewhere = make_record("fake", 0, FAKE, 100, box=np.array([[0.1, 0.1, 0.2, 0.2]]))
    write_shard(tmp_path / "fake.tfrecord", [elsewhere])
    others = list_crops([tmp_path / "fake.tfrecord"])
    (source,) = group_crops([*crops[:2], *others], {"real": "one", "fake": "one"})
    assert source.forged == [[], []]


def test_without_any_real_face_nothing_can_be_learned(crops):
    with pytest.raises(ValueError, match="no real face in the train split; add videos of real"):
        group_crops(crops[4:], {"alone": "two"})


def test_a_given_fake_is_shown_beside_the_face_it_was_made_from(crops):
    sources = group_crops(crops[:4], {"real": "one", "fake": "one"})
    maker = FacePairSampler(sources, GIVEN_ONLY)
    pairs = [maker.make([1, number]) for number in range(20)]
    greys = {(int(real[0, 0, 0]), int(fake[0, 0, 0])) for real, fake in pairs}
    assert greys == {(55, 105), (60, 110)}
    assert all(crop.shape == (32, 32, 3) for pair in pairs for crop in pair)


def test_a_given_fake_is_never_shown_without_its_original(crops):
    # of two faces of the original, only the second was forged
    names = {"real": "one", "fake": "one", "alone": "two"}
    sources = group_crops([*crops[:2], *crops[3:]], names)
    maker = FacePairSampler(sources, GIVEN_ONLY)
    pairs = [maker.make([2, number]) for number in range(20)]
    assert {(int(real[0, 0, 0]), int(fake[0, 0, 0])) for real, fake in pairs} == {(60, 110)}


def test_a_given_fake_shows_the_same_part_of_the_frame_where_its_own_box_differs(tmp_path):
    ramp = np.arange(200, dtype=np.uint8).repeat(200).reshape(200, 200, 1).repeat(3, axis=2)
    for video, label, middle in (("real", REAL, 0.5), ("fake", FAKE, 0.55)):
        box = np.array([[middle - 0.1, middle - 0.1, middle + 0.1, middle + 0.1]])
        first, last = round(middle * 200) - 50, round(middle * 200) + 50
        jpeg = cv2.imencode(".png", ramp[first:last, first:last])[1].tobytes()
        window = np.array([[first, first, last, last]]) / 200
        record = FrameRecord(jpeg, box, np.array([label]), [jpeg], window, video, 0, 200, 200)
        write_shard(tmp_path / f"{video}.tfrecord", [record])
    crops = list_crops([tmp_path / "real.tfrecord", tmp_path / "fake.tfrecord"])
    sources = group_crops(crops, {"real": "one", "fake": "one"})
    real, fake = FacePairSampler(sources, GIVEN_ONLY.model_copy(update={"crop_px": 60})).make(
        [1, 1]
    )
    assert np.array_equal(real, fake)
    assert real[0, 0, 0] == 70  # 60 px around the middle of the real face, 100


def test_fakes_are_made_of_real_faces_where_none_are_given(crops):
    maker = FacePairSampler(group_crops(crops[:2], {"real": "one"}), GIVEN_ONLY)
    differ = 0
    for number in range(10):
        real, fake = maker.make([3, number])
        differ += not np.array_equal(real, fake)
    assert differ >= 8  # of plain grey, a blurred copy is the same


def test_a_pair_follows_from_its_seed(crops):
    sources = group_crops(crops, {"real": "one", "fake": "one", "alone": "two"})
    first, second = (FacePairSampler(sources, PARAMS).make([4, 2]) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_record_gives_the_finest_picture_that_shows_the_face(folder):
    (record, _) = read_records([folder / "real.tfrecord"])
    near = cut_from_record(record, np.array([160.0, 160, 240, 240]), 1.5, 16)
    assert np.all(near == 55)  # of the crop
    wide = cut_from_record(record, np.array([120.0, 120, 280, 280]), 1.5, 16)
    assert np.all(wide == 50)  # reaches over the crop: of the frame


def test_a_fake_without_an_original_stands_beside_any_real_face_where_asked(crops):
    names = {"real": "one", "fake": "one", "alone": "two"}
    sources = group_crops(crops, names)
    unpaired = list_unpaired(crops, names, sources)
    assert [[crop.video for crop in faces] for faces in unpaired] == [["alone", "alone"]]
    params = change(
        dataset_fake_ratio=1.0, unpaired_fake_ratio=0.5, degradation_prob=0.0,
    )  # fmt: skip
    maker = FacePairSampler(sources, params, unpaired)
    fakes = [int(maker.make([6, number])[1].mean()) for number in range(60)]
    fraction = sum(grey > 150 for grey in fakes) / 60
    assert 0.3 < fraction < 0.7
    without = FacePairSampler(sources, change(dataset_fake_ratio=1.0), unpaired)
    assert all(without.make([6, number])[1].mean() < 150 for number in range(20))


def test_a_pair_is_degraded_up_to_so_many_times(crops, monkeypatch):
    done = []
    monkeypatch.setattr(face_pairs, "degrade", lambda image, drawn: done.append(drawn) or image)
    maker = FacePairSampler(
        group_crops(crops[:4], {"real": "one", "fake": "one"}),
        change(degradation_prob=1.0, max_degradations=3),
    )
    counts = []
    for number in range(30):
        done.clear()
        maker.make([7, number])
        counts.append(len(done) // 2)  # the real face and the fake alike
        assert done[0::2] == done[1::2]
    assert set(counts) == {1, 2, 3}
