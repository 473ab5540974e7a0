import pandas as pd
import pytest
from tests.data.loading.small_shards import make_record

from deepfake_detector.common.tables import ANNOTATION_COLUMNS
from deepfake_detector.data.frame_records import write_shard
from deepfake_detector.evaluation.label_errors.annotated_tracks import list_annotated_tracks


@pytest.fixture
def shard(tmp_path):
    """Frames 0, 5, 10 and 15, each with two faces, all labelled fake."""
    path = tmp_path / "a.mp4.tfrecord"
    write_shard(path, [make_record("a.mp4", frame, 2) for frame in (0, 5, 10, 15)])
    return path


def annotate(labels):
    """Annotate frames 0 to 15 by the labels of faces `left` and `right`, each by frame."""
    rows = [
        ("a.mp4", frame, 30.0, 20.0, 60.0, 60.0, labels.get((face, frame), "fake"), face)
        for frame in range(16)
        for face in ("left", "right")
    ]
    return pd.DataFrame(rows, columns=ANNOTATION_COLUMNS)


def describe(tracks):
    return [
        (t.face, t.first_frame, t.last_frame, t.label, [crop.frame for crop in t.crops])
        for t in tracks
    ]


def test_a_track_is_a_face_with_crops_spread_over_its_frames(shard):
    assert describe(list_annotated_tracks([shard], annotate({}), max_crops=2)) == [
        ("left", 0, 15, "fake", [0, 15]),
        ("right", 0, 15, "fake", [0, 15]),
    ]


def test_a_track_ends_where_the_label_changes(shard):
    """No crop shows frames 6 to 9."""
    labels = {("right", frame): "real" for frame in range(6, 10)}
    assert describe(list_annotated_tracks([shard], annotate(labels), max_crops=4)) == [
        ("left", 0, 15, "fake", [0, 5, 10, 15]),
        ("right", 0, 5, "fake", [0, 5]),
        ("right", 10, 15, "fake", [10, 15]),
    ]


def test_shards_of_other_annotations_are_named(shard):
    with pytest.raises(ValueError, match=r"a\.mp4\.tfrecord: made from other annotations; run"):
        list_annotated_tracks([shard], annotate({("left", 5): "real"}), max_crops=4)
    with pytest.raises(ValueError, match="made from other annotations"):
        list_annotated_tracks([shard], annotate({}).iloc[:9], max_crops=4)
