import numpy as np
import pandas as pd
import pytest

from deepfake_detector.inference.score_fusion import drop_classifier_scores, fuse_scores


def make_boxes():
    rows = [(10, 10, 20, 20, 0.2, 0.6), (50, 50, 60, 60, 0.03, 0.03)]
    return pd.DataFrame(rows, columns=["left", "top", "right", "bottom", "real", "fake"])


def test_the_face_classifier_decides_where_it_has_all_the_weight():
    faces = fuse_scores(make_boxes(), pd.Series([0.0], [0]), weight=1.0)
    assert faces["real"].tolist() == pytest.approx([0.4, 0.03])  # a logit of 0 is one half
    assert faces["fake"].tolist() == pytest.approx([0.4, 0.03])
    assert faces["ssd_fake_score"].tolist() == pytest.approx([0.75, 0.5])
    assert faces["classifier_fake_score"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


def test_a_logit_goes_to_the_row_it_is_of():
    faces = fuse_scores(make_boxes(), pd.Series([np.log(9)], [1]), weight=1.0)
    assert faces["fake"].tolist() == pytest.approx([0.6, 0.054])


def test_faces_that_were_not_classified_keep_their_scores():
    faces = fuse_scores(make_boxes(), pd.Series(dtype=float), weight=1.0)
    pd.testing.assert_frame_equal(faces[["real", "fake"]], make_boxes()[["real", "fake"]])
    assert faces["classifier_fake_score"].isna().all()


def test_logits_are_joined_by_their_weight():
    boxes = pd.DataFrame({"real": [0.4], "fake": [0.4]})  # a logit of 0
    faces = fuse_scores(boxes, pd.Series([2.0]), weight=0.5)
    fake_score = 1 / (1 + np.exp(-1.0))
    assert faces["fake"][0] == pytest.approx(0.8 * fake_score)
    assert faces["real"][0] == pytest.approx(0.8 * (1 - fake_score))


def test_an_ssd_that_is_quite_sure_has_a_finite_logit():
    boxes = pd.DataFrame({"real": [0.0, 0.9], "fake": [0.9, 0.0]})
    faces = fuse_scores(boxes, pd.Series([0.0, 0.0]), weight=0.5)
    assert np.isfinite(faces[["real", "fake"]].to_numpy()).all()
    assert faces["fake"].tolist() == pytest.approx([0.9 * 0.999, 0.9 * 0.001], rel=0.01)


def test_the_face_classifier_can_be_dropped():
    faces = fuse_scores(make_boxes(), pd.Series([9.0], [0]), weight=1.0)
    assert faces["fake"][0] > 0.79
    again = drop_classifier_scores(faces)
    assert again[["real", "fake"]].to_numpy() == pytest.approx(
        make_boxes()[["real", "fake"]].to_numpy()
    )


def test_no_faces_give_no_faces():
    faces = fuse_scores(make_boxes()[:0], pd.Series(dtype=float), weight=1.0)
    assert len(faces) == 0
    assert "classifier_fake_score" in faces
