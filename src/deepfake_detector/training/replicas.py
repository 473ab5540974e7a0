"""The devices and machines that train the SSD together: `train.strategy`.

Each device has a replica of the network. `mirrored` takes all devices of this machine,
`multi_worker` those of all machines that `TF_CONFIG` names, each of which runs the same command.
The first one, the chief, alone validates and writes. Shapes: `V` values.
"""

import functools
import logging
import re
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepfake_detector.config.schema import TrainParams
from deepfake_detector.data.loading.training_batches import Share
from deepfake_detector.training.machines import read_tf_config, wait_for_machines

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replicas:
    """The replicas of a network.

    Attributes:
        strategy: of `tf.distribute`.
        machines: addresses, the chief's first.
        place: of this machine among them.
    """

    strategy: Any
    machines: tuple[str, ...]
    place: int

    @property
    def is_chief(self) -> bool:
        """Whether this machine validates and writes."""
        return self.place == 0

    @property
    def count(self) -> int:
        """The number of replicas on all machines."""
        return self.strategy.num_replicas_in_sync

    @property
    def share(self) -> Share:
        """The parts of each batch that this machine's replicas learn from, one each."""
        local = self.count // len(self.machines)
        return Share(range(self.place * local, (self.place + 1) * local), self.count)

    def broadcast(self, values: np.ndarray) -> np.ndarray:
        """Return the chief's values on every machine, float64 [V]: float32 comes unchanged.

        Every machine calls this at the same place of its work, and waits there for the others.
        """
        return self._sum_over_machines(values if self.is_chief else np.zeros_like(values))

    def check_same_work(self, fingerprint: str) -> None:
        """Compare what the machines are about to train.

        Args:
            fingerprint: of parameters, data and code, hexadecimal.

        Raises:
            ValueError: it is another one on some machines; the message names them.
        """
        prints = np.zeros(len(self.machines))
        prints[self.place] = int(fingerprint[:12], 16)  # 48 bits: float64 holds them exactly
        prints = self._sum_over_machines(prints)
        others = [
            name for name, own in zip(self.machines, prints, strict=True) if own != prints[0]
        ]
        if others:
            raise ValueError(
                f"parameters, shards or code of {', '.join(others)} are not those of "
                f"{self.machines[0]}: give all machines the same files"
            )

    def connection(self) -> AbstractContextManager:
        """Turn errors of several machines that have lost each other into one line."""
        return connection_errors() if len(self.machines) > 1 else nullcontext()

    def _sum_over_machines(self, values: np.ndarray) -> np.ndarray:
        """Add up the float64 [V] of all machines."""
        if len(self.machines) == 1:
            return values

        def give(context):  # of a machine's replicas, the first one has its values
            is_first = context.replica_id_in_sync_group == self.share.parts[0]
            return tf.constant(values if is_first else np.zeros_like(values), tf.float64)

        def add(own):
            own = tf.identity(own)  # has this replica's device
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)

        run = tf.function(lambda own: self.strategy.run(add, args=(own,)))
        own = self.strategy.experimental_distribute_values_from_function(give)
        with self.connection():
            return self.strategy.experimental_local_results(run(own))[0].numpy()


@contextmanager
def connection_errors() -> Iterator[None]:
    """Turn what TensorFlow says of lost machines into one line.

    Raises:
        ConnectionError: a machine has gone, or its port cannot be used.
    """
    errors = tf.errors
    try:
        yield
    except (
        *(errors.UnavailableError, errors.AbortedError, errors.CancelledError),
        *(errors.DeadlineExceededError, errors.UnknownError, errors.InternalError),
    ) as error:
        cause = re.sub(r"{{.*?}}", "", error.message).strip().partition("\n")[0]
        raise ConnectionError(
            f"the machines have lost each other ({cause}); start the same command on all of "
            "them again: the SSD goes on after its last finished epoch"
        ) from error


def find_replicas(params: TrainParams) -> Replicas | None:
    """Return the replicas of `train.strategy`; None: `one`, the network alone.

    `multi_worker` waits until all machines are there. A process is in one cluster for good, and
    has to be so before anything else uses TensorFlow.

    Raises:
        ValueError: `TF_CONFIG` is missing or wrong, the batch cannot be split evenly, or Keras
            does not run on TensorFlow.
        ConnectionError: the machines cannot be connected.
    """
    if params.strategy == "one":
        return None
    replicas = _start_replicas(params.strategy)
    if params.batch_size % replicas.count:
        raise ValueError(
            f"train.batch_size: {params.batch_size} images cannot be split evenly among "
            f"{replicas.count} replicas (train.strategy {params.strategy}); take a multiple of it"
        )
    return replicas


@functools.cache
def _start_replicas(strategy: str) -> Replicas:
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"train.strategy {strategy} needs Keras on TensorFlow, got {keras.backend.backend()}"
        )
    if strategy == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        mirrored = tf.distribute.MirroredStrategy([device.name for device in devices])
        replicas = Replicas(mirrored, ("this machine",), 0)
    else:
        machines, place = read_tf_config()
        wait_for_machines(machines, place)
        replicas = Replicas(_join_machines(place), machines, place)
    logger.info("%d replicas of the SSD on %d machines", replicas.count, len(replicas.machines))
    return replicas


def _join_machines(place: int) -> tf.distribute.Strategy:
    """Connect this machine with the others, which are there; Ctrl-C and SIGTERM stay usual.

    TensorFlow takes SIGTERM for itself and does nothing when it comes, and Python's handler of
    Ctrl-C cannot run while a machine waits for the chief. The chief alone has something to finish.
    """
    terminate = signal.getsignal(signal.SIGTERM)
    with connection_errors():
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    signal.signal(signal.SIGTERM, terminate)
    if place:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return strategy
