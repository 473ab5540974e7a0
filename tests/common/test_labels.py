import pytest

from deepfake_detector.common.labels import BACKGROUND, FACE_LABELS, label_to_name, name_to_label


def test_names_and_labels_survive_the_round_trip():
    assert [name_to_label(name) for name in FACE_LABELS] == [1, 2]
    assert [label_to_name(label) for label in (1, 2)] == ["real", "fake"]
    assert BACKGROUND == 0


def test_another_name_is_rejected():
    with pytest.raises(ValueError, match="expected one of real, fake, got 'maybe'"):
        name_to_label("maybe")
