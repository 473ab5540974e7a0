"""Training the face classifier on pairs of a real face and its fake, one network after the other.

Where a training starts from a release with an encoder, the head on that is moved as well
(`finetune_head`), and is one more of the networks.

What is kept is an average of the weights over steps (Polyak & Juditsky 1992), which few and varied
faces need more than anything. What happens after each epoch is in `callbacks` and
`epoch_validation`. Nothing here needs TensorFlow: it trains on any backend of Keras.
Shapes: `P` pairs in a batch, `S` side of a crop in px.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from deepfake_detector.config.schema import FaceClassifierParams
from deepfake_detector.data.loading.crop_index import list_crops
from deepfake_detector.data.loading.face_pairs import (
    FacePairSampler,
    Source,
    group_crops,
    list_unpaired,
)
from deepfake_detector.data.splits.listing import Shards
from deepfake_detector.models.backbones.clip_vision import CLIP_PX
from deepfake_detector.models.face_classifier import (
    FaceClassifier,
    build_face_classifier,
    make_ensemble,
)
from deepfake_detector.models.initial_weights import find_released, initialize_classifier
from deepfake_detector.models.released_folder import ENCODER, list_arrays, read_released_model
from deepfake_detector.models.released_weights import load_released_weights
from deepfake_detector.training.callbacks import ProgressBar, ProgressInfo, ValidationCheckpoint
from deepfake_detector.training.checkpoints import Checkpoint, write_history
from deepfake_detector.training.epoch_validation import choose_crops, validate_classifier
from deepfake_detector.training.finetune_head import finetune_head
from deepfake_detector.training.late_heads import FACES_PER_VIDEO
from deepfake_detector.training.model_selection import rank_by_time, rank_classifier_epoch

WARM_UP = 0.07
"""Fraction of the training over which the learning rate rises."""

SEED_STEP = 1000
"""From one network to the next: seeds that a person counts up by one have no network in common."""

CLIP_NORM = 1.0
"""Of the gradient: a batch of subtle fakes is mostly noise at first."""


logger = logging.getLogger("train")


@dataclass(frozen=True)
class FaceClassifierPlan:
    """All that the result of a training depends on, but for the shards.

    Attributes:
        init: what the networks start from, `train.init`.
        finetune_fraction: of the steps of an epoch, where they start from released weights.
        sources: of each video, by its name.
        fingerprint: names everything, shards and code included.
    """

    params: FaceClassifierParams
    init: str
    finetune_fraction: float
    sources: dict[str, str]
    seed: int
    fingerprint: str


def train_face_classifier(
    plan: FaceClassifierPlan, shards: Shards, folder: Path, report: Callable[[dict], None]
) -> FaceClassifier:
    """Train a face classifier, or go on where an interrupted training of the same plan stopped.

    Args:
        shards: TFRecord files, one a video.
        folder: in the end its folder `face_classifier` gets `face_classifier.keras` (of each
            network's `face_classifier.kept_epoch`) and `history.csv`.
        report: called with each row of `history.csv`, but for epochs of an interrupted training.

    Returns:
        The classifier that is in the file.

    Raises:
        ValueError: the train split has no real face to train networks on, or the released folder
            is incomplete or changed.
        FloatingPointError: the loss is not finite; the message names epoch and batch.
    """
    networks, history = [], []
    for number in range(1, plan.params.ensemble_size + 1):
        checkpoint = Checkpoint(folder, f"face_classifier_{number}", plan.fingerprint)
        networks.append(train_network(plan, number, shards, checkpoint, report))
        history += [{"network": number} | row for row in checkpoint.history]
    released, encoder = find_encoder(plan.init, plan.params.crop_px), None
    if released is not None:
        encoder, row = finetune_encoder(plan, shards, released)
        report(row)
        history.append(row)
    classifier = make_ensemble(networks, encoder)
    _publish(classifier, history, folder / "face_classifier")
    return classifier


def find_encoder(init: str, crop_px: int) -> Path | None:
    """Return the released folder that `train.init` names, if it has an encoder that sees crops.

    Those that are smaller than what an encoder sees are told to the person.

    Raises:
        ValueError: the folder is incomplete or changed.
    """
    folder = find_released(init)
    if folder is None:
        return None
    read_released_model(folder)
    if ENCODER not in list_arrays(folder):
        return None
    if crop_px < CLIP_PX:
        logger.info("face classifier: without the encoder, which sees crops from %d px", CLIP_PX)
        return None
    return folder


def finetune_encoder(
    plan: FaceClassifierPlan, shards: Shards, released: Path
) -> tuple[FaceClassifier, dict[str, float]]:
    """Fine-tune the released head on the encoder.

    Returns:
        A classifier of this network alone, and its row of `history.csv`.
    """
    config = build_face_classifier(plan.params).get_config()
    classifier = FaceClassifier.from_config(config | {"ensemble_size": 0, "has_encoder": True})
    load_released_weights(released, classifier=classifier)
    crops = choose_crops(list_crops(shards.train), FACES_PER_VIDEO)
    logger.info("face classifier: a head on the encoder in %s, on %d faces", released, len(crops))
    loss = finetune_head(classifier, crops)
    if np.isnan(loss):
        logger.warning("train: no real or no fake face; the released head stays as it is")
    validation = choose_crops(list_crops(shards.validation), plan.params.validation_frames)
    number = plan.params.ensemble_size + 1
    measured = validate_classifier(classifier, validation)
    return classifier, {"network": number, "epoch": 1, "train_loss": loss} | measured


def train_network(
    plan: FaceClassifierPlan,
    number: int,
    shards: Shards,
    checkpoint: Checkpoint,
    report: Callable[[dict], None],
) -> FaceClassifier:
    """Train the `number`th network, from 1, or go on with it; return that of `kept_epoch`."""
    params, seed = plan.params, plan.seed + SEED_STEP * (number - 1)
    keras.utils.set_random_seed(seed)
    train_crops = list_crops(shards.train)
    sources = group_crops(train_crops, plan.sources)
    steps = count_steps(sources, params)
    classifier = build_face_classifier(params)
    if initialize_classifier(classifier, plan.init, number):
        steps = max(1, round(plan.finetune_fraction * steps))
    classifier.compile(
        optimizer=make_classifier_optimizer(params, steps), loss=make_classifier_loss(params)
    )
    classifier.optimizer.build(classifier.trainable_variables)
    averaged = build_face_classifier(params)  # its file is without an optimizer
    done = checkpoint.restore(classifier, classifier.optimizer, kept=averaged)
    if done:
        swap_averages_back(classifier)
    crops = choose_crops(list_crops(shards.validation), params.validation_frames)

    def evaluate() -> dict[str, float]:
        averaged.set_weights(classifier.get_weights())  # `SwapEMAWeights` has put them there
        return validate_classifier(averaged, crops)

    unpaired = list_unpaired(train_crops, plan.sources, sources)
    sampler = FacePairSampler(sources, params, unpaired)
    classifier.fit(
        PairBatches(sampler, params, seed, steps, done),
        epochs=params.epochs,
        initial_epoch=done,
        callbacks=[
            ProgressBar(make_classifier_progress(params, steps, number), done),
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            ValidationCheckpoint(
                evaluate,
                rank_by_time if params.kept_epoch == "last" else rank_classifier_epoch,
                checkpoint,
                lambda row: report({"network": number} | row),
            ),
        ],
        shuffle=False,  # every pair is drawn
        verbose=0,
    )
    return keras.saving.load_model(checkpoint.find_best(), compile=False, safe_mode=True)


def swap_averages_back(classifier: FaceClassifier) -> None:
    """Put the trained weights back into a restored classifier, and their averages aside.

    A checkpoint is saved while `SwapEMAWeights` has the averages in the network. This is the
    exchange that it does itself where the next epoch of the same run begins.
    """
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(classifier)
    swap.on_test_begin()


def _publish(classifier: keras.Model, history: list[dict], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = {name: folder / f".{name}" for name in ("face_classifier.keras", "history.csv")}
    classifier.save(partial["face_classifier.keras"])
    write_history(partial["history.csv"], history)
    for name, path in partial.items():
        path.replace(folder / name)


def make_classifier_progress(
    params: FaceClassifierParams, steps: int, number: int
) -> ProgressInfo:
    """Return what there is to do for the `number`th network, for the progress bar."""
    return ProgressInfo(
        name=f"face classifier {number} of {params.ensemble_size}",
        rate="face_classifier.learning_rate",
        epochs=params.epochs,
        steps_per_epoch=steps,
        images_per_step=2 * params.pairs_per_batch,
    )


def count_steps(sources: list[Source], params: FaceClassifierParams) -> int:
    """Count the steps of an epoch: as many as the sources give, up to `max_steps_per_epoch`."""
    pairs = len(sources) * params.pairs_per_source
    return min(max(pairs // params.pairs_per_batch, 1), params.max_steps_per_epoch)


def make_classifier_optimizer(
    params: FaceClassifierParams, steps: int
) -> keras.optimizers.Optimizer:
    """Make Adam with a warm-up, a cosine, and the average of the weights that is kept."""
    whole = steps * params.epochs
    warm_up = round(WARM_UP * whole)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=params.learning_rate / 50,
        decay_steps=max(whole - warm_up, 1),
        warmup_target=params.learning_rate,
        warmup_steps=warm_up,
    )
    return keras.optimizers.AdamW(
        rate,
        weight_decay=params.weight_decay,
        global_clipnorm=CLIP_NORM,
        use_ema=True,
        ema_momentum=params.ema_momentum,
    )


def make_classifier_loss(params: FaceClassifierParams) -> keras.losses.Loss:
    """Make the loss of logits [2P] against 0, real, and 1, fake."""
    return keras.losses.BinaryCrossentropy(
        from_logits=True, label_smoothing=params.label_smoothing
    )


class PairBatches(keras.utils.PyDataset):
    """Batches of crops float32 [2P, S, S, 3] and labels [2P], 0 real and 1 fake, in turn.

    A batch follows from the seed, its epoch and its number, so that a resumed training goes on
    with the very batches it would have had.
    """

    def __init__(
        self, sampler: FacePairSampler, params: FaceClassifierParams, seed: int, steps: int, done
    ):
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=4)
        self._sampler, self._params, self._seed = sampler, params, seed
        self._steps, self._epoch = steps, done

    def __len__(self):
        return self._steps

    def __getitem__(self, index):
        number = self._epoch * self._steps + index
        pairs = [
            self._sampler.make([self._seed, number, place])
            for place in range(self._params.pairs_per_batch)
        ]
        crops = np.concatenate([np.stack(pair) for pair in pairs]).astype(np.float32)
        return crops, np.tile(np.float32([0, 1]), len(pairs))

    def on_epoch_end(self):
        self._epoch += 1
