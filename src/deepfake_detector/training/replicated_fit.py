"""`fit` for replicas of the SSD on several devices and machines, `train.strategy`.

A step is that of one network on the whole batch: positive anchors, the statistics of batch
normalization, losses and gradients are added up over the replicas before gradients are clipped and
applied. Reason for a loop of our own: Keras' `fit` clips each replica's gradients before they are
added up, and fails under `MultiWorkerMirroredStrategy`. Shapes: `V` values.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from deepfake_detector.training.replicas import Replicas

LOSSES = ("loss", "box_loss", "class_loss")
SUM = tf.distribute.ReduceOp.SUM


@dataclass(frozen=True)
class ReplicatedTraining:
    """A training of replicas on all machines.

    Attributes:
        make_copy: makes a `DetectorTrainer`, the same as is given to `fit`.
        make_parts: makes this machine's parts of the batches that follow so many epochs.
    """

    replicas: Replicas
    make_copy: Callable[[], keras.Model]
    make_parts: Callable[[int], tf.data.Dataset]
    steps_per_epoch: int

    def fit(
        self, trainer: keras.Model, epochs: range, callbacks: list[keras.callbacks.Callback]
    ) -> None:
        """Train; where the chief's trainer is told to stop, all machines do.

        Args:
            trainer: a `DetectorTrainer` of this machine alone. The chief's has the weights to
                start from, and after each epoch the trained ones.
            epochs: still to do.
            callbacks: of `trainer`.

        Raises:
            ConnectionError: a machine has gone.
        """
        copy = self._copy(trainer)
        step = make_step(copy, self.replicas)
        parts = iter(self.make_parts(epochs.start))
        trainer.stop_training = False
        events = keras.callbacks.CallbackList(callbacks, model=trainer)
        events.on_train_begin()
        for epoch in epochs:
            events.on_epoch_begin(epoch)
            logs = self._run_epoch(step, parts, events)
            if self.replicas.is_chief:
                write_state(trainer, read_state(copy))
            events.on_epoch_end(epoch, logs)
            if self.replicas.broadcast(np.array([float(trainer.stop_training)]))[0]:
                break
        events.on_train_end()

    def _copy(self, trainer: keras.Model) -> keras.Model:
        """Make the replicas, with the state of the chief's trainer."""
        with self.replicas.strategy.scope():
            copy = self.make_copy()
        for layer in copy.detector.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
        write_state(copy, self.replicas.broadcast(read_state(trainer)))
        return copy

    def _run_epoch(self, step: Callable, parts: Iterator, events) -> dict[str, float]:
        """Run the steps of an epoch; return the means of `LOSSES` over them."""
        total, logs = np.zeros(len(LOSSES)), {}
        give = self.replicas.strategy.experimental_distribute_values_from_function
        for number in range(self.steps_per_epoch):
            events.on_train_batch_begin(number)
            batch = give(lambda _: next(parts))
            with self.replicas.connection():
                total += step(batch).numpy()
            logs = dict(zip(LOSSES, (total / (number + 1)).tolist(), strict=True))
            events.on_train_batch_end(number, logs)
        return logs


def make_step(copy: keras.Model, replicas: Replicas) -> Callable:
    """Make what trains the replicas on a batch, and returns its `LOSSES`."""
    strategy = replicas.strategy

    def compute(images, faces):
        context = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            outputs = copy(images, training=True)
            *sums, positives = copy.sum_parts(faces, outputs)
            losses = copy.divide_parts(*sums, context.all_reduce(SUM, positives))
            loss = sum(losses) + sum(copy.losses) / replicas.count
        gradients = tape.gradient(loss, copy.trainable_weights)
        return context.all_reduce(SUM, [tf.stack([loss, *losses]), *gradients])

    @tf.function
    def step(batch):
        results = strategy.run(compute, args=batch)
        losses, *gradients = [strategy.experimental_local_results(value)[0] for value in results]
        copy.optimizer.apply(gradients, copy.trainable_weights)
        return losses

    return step


def read_state(trainer: keras.Model) -> np.ndarray:
    """Read weights and the optimizer's variables: float64 [V], which holds them exactly."""
    values = [keras.ops.convert_to_numpy(variable) for variable in _list_variables(trainer)]
    return np.concatenate([value.ravel().astype(np.float64) for value in values])


def write_state(trainer: keras.Model, state: np.ndarray) -> None:
    """Write what `read_state` has read from a trainer of the same kind."""
    variables = _list_variables(trainer)
    ends = np.cumsum([int(np.prod(variable.shape)) for variable in variables])
    for variable, values in zip(variables, np.split(state, ends[:-1]), strict=True):
        variable.assign(values.reshape(variable.shape).astype(variable.dtype))


def _list_variables(trainer: keras.Model) -> list:
    return [*trainer.detector.weights, *trainer.optimizer.variables]
