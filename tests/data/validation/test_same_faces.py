import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.common.iou import compute_iou
from deepfake_detector.data.validation.same_faces import find_same_faces


def make_table(frames, boxes, labels):
    table = pd.DataFrame(boxes, columns=["left", "top", "right", "bottom"], dtype=float)
    return table.assign(
        video="a.mp4", frame=frames, label=labels, file="x.csv", row=np.arange(len(table)) + 2
    )


def make_crowd(frames, faces, seed=0, size_px=40, width_px=4000):
    """Faces at random places, some of them twice, moved a little or not."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, width_px - size_px, (frames * faces, 2)).astype(float)
    is_again = rng.random(len(corners)) < 0.2
    is_again[0] = False
    places = np.flatnonzero(is_again)
    corners[places] = corners[places - 1] + rng.integers(-1, 2, (len(places), 2))
    boxes = np.concatenate([corners, corners + size_px], axis=1)
    labels = rng.choice(["real", "fake", "unsure"], len(boxes), p=[0.6, 0.3, 0.1])
    return make_table(np.arange(frames).repeat(faces), boxes, labels)


def find_by_all_pairs(table):
    """What should come out: indices with an earlier equal, and with another label."""
    same, other = set(), set()
    boxes, labels = table[["left", "top", "right", "bottom"]].to_numpy(), table["label"].tolist()
    for two in range(len(table)):
        for one in range(two):
            if table["frame"][one] == table["frame"][two] and (
                compute_iou(boxes[one], boxes[two]) >= 0.9
            ):
                if labels[one] == labels[two]:
                    same.add(two)
                elif "unsure" not in (labels[one], labels[two]):
                    other |= {one, two}
    return same, other


@pytest.mark.parametrize("seed", range(4))
def test_the_same_faces_are_those_of_all_pairs(seed):
    table = make_crowd(5, 25, seed, size_px=10 + 20 * seed, width_px=160)
    found = find_same_faces(table, 0.9)
    same, other = find_by_all_pairs(table)
    assert set(found["same_face"].dropna().index) | other >= same
    assert set(found["same_face"].dropna().index) <= same
    exact_again = set(table.index[table.duplicated(["frame", "left", "top", "label"])])
    assert set(found["other_label"].dropna().index) | exact_again >= other
    assert set(found["other_label"].dropna().index) <= other
    for index, text in found["same_face"].dropna().items():
        assert int(text.removeprefix("x.csv row ")) - 2 < index


@pytest.mark.parametrize(
    "box", [[5, 5, 5, 9], [9, 5, 5, 9], [np.nan, 5, 9, 9], [0, 0, np.inf, np.inf]]
)
def test_boxes_without_an_area_are_never_the_same(box):
    found = find_same_faces(make_table([0, 0], [box, box], ["real", "fake"]), 0.9)
    assert found["other_label"].isna().all()


def test_no_faces_give_empty_columns():
    found = find_same_faces(make_crowd(1, 1).iloc[:0], 0.9)
    assert [len(column) for column in found.values()] == [0, 0]


def measure(table):
    tracemalloc.start()
    begin = time.perf_counter()
    find_same_faces(table, 0.9)
    seconds, memory = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, memory


@pytest.mark.parametrize("faces", [10, 100, 1000])
def test_memory_grows_with_the_faces_however_many_are_in_a_frame(faces):
    _, memory = measure(make_crowd(10_000 // faces, faces))
    assert memory < 30e6  # all pairs of 1,000 faces a frame took 2 GB


def test_one_face_that_is_given_a_thousand_times_is_found_at_once():
    boxes = [[10, 10, 30, 30]] * 5000
    table = make_table([0] * 5000, boxes, ["real"] * 4999 + ["fake"])
    found = find_same_faces(table, 0.9)
    assert found["same_face"].notna().sum() == 4998
    assert found["other_label"].dropna().to_dict() == {0: "x.csv row 5001", 4999: "x.csv row 2"}
