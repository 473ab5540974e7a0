import cv2
import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.data.loading.crop_index import list_crops
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.models.backbones import clip_vision
from deepfake_detector.models.backbones.clip_vision import LAYER_NAME
from deepfake_detector.models.face_classifier import FaceClassifier
from deepfake_detector.models.released_folder import ENCODER
from deepfake_detector.models.released_weights import (
    write_encoder,
    write_late_heads,
    write_released_weights,
    write_sums,
)
from deepfake_detector.models.ssd.network import build_detector
from deepfake_detector.training import finetune_head as module
from deepfake_detector.training.finetune_head import PULL, finetune_head, move_head
from deepfake_detector.training.train_classifier import (
    FaceClassifierPlan,
    find_encoder,
    train_face_classifier,
)
from small_detector import make_classifier

PARAMS = load_params(PROJECT / "params.yaml")
BOX = np.float32([[0.2, 0.2, 0.8, 0.8]])


def draw_features(count, seed=1):
    generator = np.random.default_rng(seed)
    is_fake = generator.random(count) < 0.3
    return generator.normal(3, 2, (count, 5)) + np.outer(is_fake, [2, 0, -1, 0, 0]), is_fake


def test_without_a_head_before_it_is_a_logistic_regression_with_a_ridge():
    features, is_fake = draw_features(200)
    head, loss = move_head(features, is_fake, np.zeros(5), 0.0)
    standard = (features - features.mean(axis=0)) / (features.std(axis=0) + module.MIN_DEVIATION)
    expected = LogisticRegression(C=1 / PULL, class_weight="balanced", tol=1e-8).fit(
        standard, is_fake
    )
    logits = expected.decision_function(standard)
    np.testing.assert_allclose(features @ head[:-1] + head[-1], logits, atol=1e-3)
    losses = np.logaddexp(0, np.where(is_fake, -logits, logits))
    assert loss == pytest.approx((losses[is_fake].mean() + losses[~is_fake].mean()) / 2, abs=1e-4)


@pytest.mark.parametrize(("faces", "least", "most"), [(8, 0.0, 0.1), (5000, 0.8, 1.0)])
def test_few_faces_move_a_head_little_and_many_a_lot(faces, least, most):
    """A head that looks at a feature that says nothing learns to look at those that do."""
    features, is_fake = draw_features(faces)
    kernel = np.array([0.0, 2.0, 0.0, 0.0, 0.0])
    head, _ = move_head(features, is_fake, kernel, -6.0)
    assert least <= 1 - abs(head[1]) / 2 <= most


@pytest.fixture
def shards(tmp_path):
    """Faces of two videos, a red fake and a blue real one, four frames of each."""
    paths = []
    for video, label, color in (("a.mp4", 2, (0, 0, 200)), ("b.mp4", 1, (200, 0, 0))):
        noise = np.random.default_rng(label).integers(0, 50, (4, 64, 64, 3), np.uint8)
        jpegs = [cv2.imencode(".jpg", np.uint8(color) + picture)[1].tobytes() for picture in noise]
        whole = np.float32([[0, 0, 1, 1]])
        records = [
            FrameRecord(jpeg, BOX, np.array([label]), [jpeg], whole, video, n, 64, 64)
            for n, jpeg in enumerate(jpegs)
        ]
        paths.append(tmp_path / f"{video}.tfrecord")
        write_shard(paths[-1], records)
    return paths


def test_faces_of_one_label_leave_the_head_as_it_is(shards):
    classifier = make_classifier()
    before = classifier.heads[0].get_weights()
    assert np.isnan(finetune_head(classifier, list_crops(shards[1:])))
    for weight, other in zip(classifier.heads[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, other)


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A released folder of random weights with an encoder of one block."""
    monkeypatch.setattr(clip_vision, "BLOCKS", 1)
    keras.utils.set_random_seed(4)
    folder, params = tmp_path / "released", PARAMS.face_classifier
    classifier = FaceClassifier(params.crop_px, 1.5, 1.0, 0.1, 0.3, 1, has_encoder=True)
    ssd = build_detector(PARAMS.detector)
    write_released_weights(folder, ssd, classifier, PARAMS.detector, params)
    layer = classifier.features[-1].get_layer(LAYER_NAME)
    weights = {n: keras.ops.convert_to_numpy(w) for n, w in layer.name_weights().items()}
    write_encoder(folder / ENCODER, weights)
    write_late_heads(folder, classifier)
    write_sums(folder)
    return folder


def test_a_training_from_a_release_with_an_encoder_moves_its_head_as_well(
    released, shards, tmp_path
):
    small = {"ensemble_size": 1, "epochs": 1, "max_steps_per_epoch": 1, "pairs_per_batch": 1}
    params = PARAMS.face_classifier.model_copy(update=small)
    rows, sources = [], {"a.mp4": "one", "b.mp4": "one"}
    plan = FaceClassifierPlan(params, str(released), 1.0, sources, 1, "")
    given = Shards(train=shards, validation=shards)
    classifier = train_face_classifier(plan, given, tmp_path / "out", rows.append)
    assert [(row["network"], row["epoch"]) for row in rows] == [(1, 1), (2, 1)]
    assert rows[1]["train_loss"] < 0.69
    assert rows[1]["validation_frame_auc"] == 1
    saved = keras.saving.load_model(
        tmp_path / "out/face_classifier/face_classifier.keras", compile=False, safe_mode=True
    )
    assert saved.network_names == ["classifier_1", "encoder"]
    crops = np.random.default_rng(1).uniform(0, 255, (2, 240, 240, 3)).astype(np.float32)
    np.testing.assert_allclose(
        saved.predict_on_batch(crops), classifier.predict_on_batch(crops), atol=1e-5
    )
    layer = saved.features[-1].get_layer(LAYER_NAME)
    with np.load(released / ENCODER) as file:
        for name, weight in layer.name_weights().items():
            expected = file[f"encoder/clip_vision/{name}"]
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), expected)
    history = (tmp_path / "out/face_classifier/history.csv").read_text().splitlines()
    assert len(history) == 3


def test_only_a_release_has_an_encoder(released):
    assert find_encoder(str(released), 224) == released
    assert find_encoder("imagenet", 224) is None
    (released / ENCODER).unlink()
    write_sums(released)
    assert find_encoder(str(released), 224) is None


def test_an_encoder_needs_crops_that_are_large_enough(released, caplog):
    with caplog.at_level("INFO"):
        assert find_encoder(str(released), 223) is None
    assert "without the encoder, which sees crops from 224 px" in caplog.text
    with pytest.raises(ValueError, match="crop_px: CLIP's encoder sees 224 px of a crop, got 200"):
        FaceClassifier(200, 1.5, 1.0, 0.1, 0.3, 1, has_encoder=True)
