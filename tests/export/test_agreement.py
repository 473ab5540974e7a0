import numpy as np
import pytest

from deepfake_detector.export.agreement import Agreement, check_agreement, compare_faces

FACE = [0.1, 0.1, 0.5, 0.5, 0.2, 0.7]
OTHER = [0.6, 0.6, 0.9, 0.9, 0.8, 0.1]
NONE = [0.0] * 6


def faces(*rows):
    rows = np.float64([rows])
    return {"boxes": rows[..., :4], "scores": rows[..., 4:]}


def test_the_same_faces_in_another_order_are_the_same():
    assert compare_faces(faces(FACE, OTHER), faces(OTHER, FACE)) == Agreement(1, 2, 0, 0.0)


def test_a_small_difference_is_told_and_a_large_one_counts_on_both_sides():
    near = [*FACE[:5], FACE[5] + 0.0005]
    far = [*FACE[:5], FACE[5] + 0.1]
    assert compare_faces(faces(FACE), faces(near)).largest == pytest.approx(0.0005)
    assert compare_faces(faces(FACE), faces(near)).different == 0
    assert compare_faces(faces(FACE), faces(far)) == Agreement(1, 1, 2, 0.0)


def test_a_face_too_many_or_too_few_counts_once():
    assert compare_faces(faces(FACE, OTHER), faces(FACE, NONE)).different == 1
    assert compare_faces(faces(FACE, NONE), faces(FACE, OTHER)).different == 1


def test_no_faces_agree_with_no_faces():
    assert compare_faces(faces(NONE), faces(NONE)) == Agreement(1, 0, 0, 0.0)
    assert compare_faces(faces(NONE), faces(FACE)).different == 1


def test_a_format_that_finds_other_faces_is_rejected():
    check_agreement(Agreement(10, 2000, 2, 0.0), "litert")
    with pytest.raises(ValueError, match="litert: 3 of 2000 faces in 10 frames are not those"):
        check_agreement(Agreement(10, 2000, 3, 0.0), "litert")
