"""Heads that are fitted last, on features that stay as they are (Kirichenko et al. 2023, DFR).

Fakes without a filmed original teach a network its cameras where it is trained on them
(docs/decisions/0025). Where only the last layer is fitted to them, by logistic regression, it
tells the forgers of those fakes and others better: docs/experiments/2026-11-29-late-head.md.
Each face is learned from as it is and degraded, or strong compression would turn answers round.
Shapes: `N` faces, `C` features of a network.
"""

import zlib
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from deepfake_detector.augmentation.degradations import degrade, mirror, sample_degradation
from deepfake_detector.common.labels import FAKE
from deepfake_detector.data.loading.crop_index import Crop, find_box_px, read_crop, read_face
from deepfake_detector.data.loading.face_pairs import draw_count
from deepfake_detector.faces.crops import cut_window, jitter_window, make_window, resize
from deepfake_detector.models.face_classifier import ENCODER_NAME, FaceClassifier

FACES_PER_VIDEO = 8
INVERSE_PENALTY, ENCODER_INVERSE_PENALTY = 0.001, 0.00025
"""scikit-learn's `C`, of standardized features and samples whose mean weight is 1."""

MIN_DEVIATION = 1e-3
"""Added to the deviation of a feature: one that hardly moves must not count for much."""

MAX_TEMPERATURE = 20.0
"""And its inverse the least; what is found lies far from both."""

BATCH_SIZE = 32

CENTER_JITTER, SCALE_JITTER, MAX_DEGRADATIONS = 0.06, 1.15, 2
"""Of a degraded face: about how inexact a detector's boxes are, and how often it is copied."""

_Read = Callable[[Crop, float, int], np.ndarray]
"""Reads a face, [S, S, 3] of a side in px, with a scale of the crop."""


def fit_late_heads(classifier: FaceClassifier, crops: list[Crop], kinds: dict[str, str]) -> None:
    """Fit the head of each network of a classifier to faces, in place.

    Args:
        crops: of train videos, real and fake; `epoch_validation.choose_crops` spreads them.
        kinds: the kind of forgery of each video with a fake face. A kind weighs as the root of its
            faces, so that the most frequent one does not decide; all fakes together weigh as much
            as all real faces.

    Raises:
        ValueError: the faces are all real or all fake.
    """
    is_fake = list_fakes(crops, "train")
    kind = np.array([kinds[crop.video] if crop.label == FAKE else "" for crop in crops])
    weights = np.tile(weigh_faces(kind, is_fake), 2)
    both = (compute_features(classifier, crops, read) for read in (read_face, read_degraded_face))
    heads = zip(classifier.network_names, classifier.heads, strict=True)
    for (name, head), *features in zip(heads, *both, strict=True):
        penalty = ENCODER_INVERSE_PENALTY if name == ENCODER_NAME else INVERSE_PENALTY
        kernel, bias = fit_head(np.concatenate(features), np.tile(is_fake, 2), weights, penalty)
        head.kernel.assign(kernel[:, None])
        head.bias.assign([bias])


def scale_heads(classifier: FaceClassifier, crops: list[Crop]) -> None:
    """Divide each head of a classifier by its temperature (Guo et al. 2017), in place.

    On few people it is surer than right; then its scores jump from frame to frame, each jump has
    more crops classified (`inference.crop_choice`), and a training that starts from it begins with
    a high loss.

    Args:
        crops: of validation videos, real and fake.

    Raises:
        ValueError: the faces are all real or all fake.
    """
    is_fake = list_fakes(crops, "validation")
    networks = compute_features(classifier, crops, read_face)
    for head, features in zip(classifier.heads, networks, strict=True):
        kernel, bias = head.get_weights()
        temperature = find_temperature(features @ kernel[:, 0] + bias, is_fake)
        head.set_weights([kernel / temperature, bias / temperature])


def list_fakes(crops: list[Crop], split: str) -> np.ndarray:
    """List which of the faces of a split are fake: bool [N].

    Raises:
        ValueError: all or none.
    """
    is_fake = np.array([crop.label == FAKE for crop in crops], bool)
    if is_fake.all() or not is_fake.any():
        raise ValueError(
            f"heads need real and fake faces, of which the {split} split lacks one; add videos"
        )
    return is_fake


def find_temperature(logits: np.ndarray, is_fake: np.ndarray) -> float:
    """Find what to divide logits [N] by for the least log loss, real and fake weighing alike."""
    signed, sides = np.where(is_fake, logits, -logits), (is_fake, ~is_fake)

    def measure_loss(log_temperature: float) -> float:
        losses = np.logaddexp(0, -signed / np.exp(log_temperature))
        return float(np.mean([losses[side].mean() for side in sides]))

    highest = np.log(MAX_TEMPERATURE)
    found = minimize_scalar(measure_loss, bounds=(-highest, highest), method="bounded")
    return float(np.exp(found.x))


def read_degraded_face(crop: Crop, crop_scale: float, size_px: int) -> np.ndarray:
    """Read a face as `read_face` does, from a window beside its own, and degraded as in training.

    The same face always is degraded alike.
    """
    seed = [crop.position, crop.frame, zlib.crc32(crop.video.encode())]
    generator, picture = np.random.default_rng(seed), read_crop(crop)
    window = make_window(find_box_px(crop, picture), crop_scale)
    window = jitter_window(window, CENTER_JITTER, SCALE_JITTER, generator)
    face = cut_window(picture, window, size_px)
    for _ in range(draw_count(MAX_DEGRADATIONS, generator)):
        face = degrade(face, sample_degradation(generator))
    return resize(mirror(face) if generator.random() < 0.5 else face, size_px)


def compute_features(
    classifier: FaceClassifier, crops: list[Crop], read: _Read
) -> list[np.ndarray]:
    """Compute the features of faces, float32 [N, C], of each network of a classifier."""
    batches = [[] for _ in classifier.features]
    for start in tqdm(range(0, len(crops), BATCH_SIZE), desc="features", unit=" batches"):
        batch = crops[start : start + BATCH_SIZE]
        faces = [read(crop, classifier.crop_scale, classifier.crop_px) for crop in batch]
        images = np.stack(faces).astype(np.float32)
        for features, network in zip(batches, classifier.features, strict=True):
            features.append(network.predict_on_batch(images))
    return [np.concatenate(features) for features in batches]


def weigh_faces(kind: np.ndarray, is_fake: np.ndarray) -> np.ndarray:
    """Weigh faces [N]: a kind as the root of its faces, all fakes as all real ones; mean 1."""
    _, group, counts = np.unique(kind, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[group])
    for label in (is_fake, ~is_fake):
        weights[label] *= len(kind) / 2 / weights[label].sum()
    return weights


def fit_head(
    features: np.ndarray, is_fake: np.ndarray, weights: np.ndarray, inverse_penalty: float
) -> tuple[np.ndarray, float]:
    """Fit a logistic regression to standardized features.

    Args:
        features: [N, C].
        is_fake: bool [N], some of them true and some not.

    Returns:
        Kernel [C] and bias, of features that are not standardized.
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0) + MIN_DEVIATION
    fitted = LogisticRegression(C=inverse_penalty, max_iter=3000).fit(
        (features - mean) / deviation, is_fake, weights
    )
    kernel = fitted.coef_[0] / deviation
    return kernel, float(fitted.intercept_[0] - kernel @ mean)
