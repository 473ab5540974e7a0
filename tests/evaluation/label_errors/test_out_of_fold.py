"""Faces in a space of features where persons differ more than real and fake ones do."""

import numpy as np
import pytest

from deepfake_detector.evaluation.label_errors.annotated_tracks import AnnotatedTrack
from deepfake_detector.evaluation.label_errors.disputed_labels import rank_disputed
from deepfake_detector.evaluation.label_errors.out_of_fold import predict_out_of_fold

PEOPLE, N_FEATURES = 20, 40


def make_features(seed, people=PEOPLE, difference=3.0):
    """A real and a fake face of each person: features, is_fake, sources."""
    generator = np.random.default_rng(seed)
    forgery = np.zeros(N_FEATURES)
    forgery[:8] = difference
    persons = generator.normal(0, 3, (people, N_FEATURES))
    is_fake = np.tile([False, True], people)
    features = np.repeat(persons, 2, axis=0) + is_fake[:, None] * forgery
    noisy = features + generator.normal(0, 0.5, features.shape)
    return noisy, is_fake, np.repeat([f"p{n}" for n in range(people)], 2)


def rank(features, labels, sources):
    groups = np.unique(sources, return_inverse=True)[1]
    probabilities = predict_out_of_fold(features, labels, sources, groups)
    tracks = [
        AnnotatedTrack(f"{n}.mp4", "0", 0, 9, "fake" if is_fake else "real", [])
        for n, is_fake in enumerate(labels)
    ]
    return rank_disputed(tracks, probabilities)


@pytest.mark.parametrize("seed", range(5))
def test_planted_wrong_labels_are_ranked_first(seed):
    features, is_fake, sources = make_features(seed)
    wrong = np.random.default_rng(seed).choice(len(is_fake), 3, replace=False)
    labels = is_fake.copy()
    labels[wrong] ^= True
    disputed = rank(features, labels, sources)
    assert set(disputed.index[:3]) == set(wrong)
    assert disputed["is_issue"].iloc[0]
    assert not disputed["is_issue"].iloc[3:].any()
    assert (disputed["label_quality"] < 0.5).all()
    assert disputed["label_quality"].is_monotonic_increasing
    first = disputed.iloc[0]
    assert first["label"] == ("fake" if labels[disputed.index[0]] else "real")
    assert first["corrected_label"] == ""


def test_right_labels_are_not_disputed():
    features, is_fake, sources = make_features(seed=1, difference=4.0)
    disputed = rank(features, is_fake, sources)
    assert len(disputed) == 0
    assert disputed.columns[0] == "video"


def test_a_face_without_relatives_is_judged_by_itself():
    features, is_fake, sources = make_features(seed=2, people=40, difference=6.0)
    alone = np.array([f"{source} {number % 2}" for number, source in enumerate(sources)])
    labels = is_fake.copy()
    labels[7] ^= True
    assert rank(features, labels, alone).index[0] == 7


def test_a_fold_never_learns_from_its_own_source():
    """Features that name the person alone: what is learned elsewhere says nothing of them."""
    generator = np.random.default_rng(0)
    features = np.repeat(np.eye(10), 4, axis=0) + generator.normal(0, 1e-3, (40, 10))
    sources = np.repeat(np.arange(10), 4)
    is_fake = sources % 2 == 1
    alone = np.arange(40)  # each a source of its own, grouped by person
    probabilities = predict_out_of_fold(features, is_fake, alone, sources)
    assert ((probabilities > 0.5) == is_fake).mean() < 0.5  # 1 where a fold knew its person


def test_one_group_or_one_label_cannot_be_judged():
    features, is_fake, sources = make_features(seed=3)
    one = np.zeros(len(is_fake))
    with pytest.raises(ValueError, match="all videos are related"):
        predict_out_of_fold(features, is_fake, sources, one)
    with pytest.raises(ValueError, match="have one label; annotate real and fake faces"):
        predict_out_of_fold(features, is_fake & False, sources, sources)
