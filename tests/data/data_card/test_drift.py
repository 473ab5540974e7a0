import math

import pytest
from tests.data.data_card.cards import make_distributions

from deepfake_detector.data.data_card.drift import (
    compare_versions,
    measure_contents,
    measure_drift,
)


def test_the_same_data_have_not_drifted():
    drift = measure_drift(make_distributions(), make_distributions())
    assert drift == dict.fromkeys(
        ("label_balance", "face_size", "resolution", "frame_rate", "codec"), 0.0
    )


@pytest.mark.parametrize(
    ("changed", "name", "distance"),
    [
        ({"face_size_px": {"128": 80}}, "face_size", 1.0),  # each twice as large
        ({"face_size_px": {"64": 6, "128": 2}}, "face_size", 0.25),  # a quarter of them
        ({"resolution_px": {"480x640": 1, "1280x960": 1}}, "resolution", 0.5),
        ({"fps": {"50": 1}}, "frame_rate", 1.0),
        ({"codec": {"hevc": 5}}, "codec", 1.0),  # nothing in common
        # JS of (1/2, 1/2) and (0, 1): m = (1/4, 3/4); its square is the mean of both relative
        # entropies to m, 1/2 (1/2 log2 2 + 1/2 log2 2/3) + 1/2 log2 4/3
        (
            {"label": {"fake": 9}},
            "label_balance",
            math.sqrt(0.25 + 0.25 * math.log2(2 / 3) + 0.5 * math.log2(4 / 3)),
        ),
    ],
)
def test_a_change_of_one_kind_is_a_distance_of_that_kind(changed, name, distance):
    drift = measure_drift(make_distributions(**changed), make_distributions())
    assert drift.pop(name) == pytest.approx(distance, abs=1e-4)
    assert set(drift.values()) == {0.0}


def test_there_is_no_drift_of_faces_where_a_version_has_none():
    drift = measure_drift(make_distributions(label={}, face_size_px={}), make_distributions())
    assert drift["label_balance"] is drift["face_size"] is None
    assert drift["codec"] == 0.0


def test_a_version_is_measured_in_a_few_numbers():
    card = make_distributions(
        label={"real": 3, "fake": 1},
        face_size_px={"40": 1, "60": 3},
        resolution_px={"640x480": 1, "360x640": 1},
        codec={"h264": 1, "hevc": 1},
    )
    assert measure_contents(card) == {
        "videos": 2,
        "frames": 6,
        "faces": 4,
        "fake_face_fraction": 0.25,
        "median_face_size_px": 60.0,
        "median_shorter_side_px": 420.0,
        "median_fps": 25.0,
        "codec_fraction": {"h264": 0.5, "hevc": 0.5},
    }


def test_the_first_version_has_no_drift():
    assert compare_versions(make_distributions(), None) == {"last_version": None, "drift": None}
