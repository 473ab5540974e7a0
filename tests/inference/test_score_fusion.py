import numpy as np
import pandas as pd
import pytest

from deepfake_detector.inference.score_fusion import (
    classify_crops,
    classify_faces,
    compute_logits,
    compute_probabilities,
    drop_classifier_scores,
    fuse_scores,
)


class BrightnessClassifier:
    """Says how bright a crop is as its logit."""

    min_detection_score, fusion_weight = 0.1, 1.0

    def predict_on_batch(self, crops):
        return crops.mean(axis=(1, 2, 3))


def make_faces():
    rows = [(10, 10, 20, 20, 0.2, 0.6), (50, 50, 60, 60, 0.03, 0.03)]
    return pd.DataFrame(rows, columns=["left", "top", "right", "bottom", "real", "fake"])


def test_more_faces_than_one_batch_are_looked_at_in_their_order():
    crops = [np.full((4, 4, 3), number, np.uint8) for number in range(40)]
    assert classify_crops(BrightnessClassifier(), crops).tolist() == list(range(40))


def test_no_crops_give_no_logits():
    assert classify_crops(BrightnessClassifier(), []).shape == (0,)


def test_only_faces_found_with_some_certainty_are_looked_at_again():
    seen = []

    def cut(image, box):
        seen.append((image, box.tolist()))
        return np.full((4, 4, 3), 0, np.uint8)  # a logit of 0: as likely real as fake

    faces = classify_faces(BrightnessClassifier(), make_faces(), np.array([3, 3]), cut)
    assert seen == [(3, [10, 10, 20, 20])]
    assert faces["real"].tolist() == pytest.approx([0.4, 0.03])
    assert faces["fake"].tolist() == pytest.approx([0.4, 0.03])
    assert faces["ssd_fake_score"].tolist() == pytest.approx([0.75, 0.5])
    assert faces["classifier_fake_score"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


def test_without_a_face_classifier_scores_stay():
    faces = classify_faces(None, make_faces(), np.array([0, 0]), None)
    pd.testing.assert_frame_equal(faces[["real", "fake"]], make_faces()[["real", "fake"]])
    assert faces["classifier_fake_score"].isna().all()


def test_the_face_classifier_can_be_forgotten():
    faces = classify_faces(
        BrightnessClassifier(),
        make_faces(),
        np.array([0, 0]),
        lambda *_: np.full((4, 4, 3), 9, np.uint8),
    )
    assert faces["fake"][0] > 0.79
    again = drop_classifier_scores(faces)
    assert again[["real", "fake"]].to_numpy() == pytest.approx(
        make_faces()[["real", "fake"]].to_numpy()
    )


def test_no_faces_give_no_faces():
    faces = classify_faces(BrightnessClassifier(), make_faces()[:0], np.zeros(0, int), None)
    assert len(faces) == 0
    assert "classifier_fake_score" in faces


def test_looks_are_joined_by_their_logits():
    scores = np.array([[0.4, 0.4]])  # a logit of 0
    joint = fuse_scores(scores, np.array([2.0]), weight=0.5)
    fake = 1 / (1 + np.exp(-1.0))
    assert joint[0].tolist() == pytest.approx([0.8 * (1 - fake), 0.8 * fake])


def test_probabilities_and_logits_are_inverse():
    logits = np.array([-4.0, 0.0, 3.0])
    assert compute_logits(compute_probabilities(logits)) == pytest.approx(logits)
    assert np.isfinite(compute_logits(np.array([0.0, 1.0]))).all()
