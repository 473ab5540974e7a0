"""The last finished epoch on disk, so that a training that is killed goes on after it.

Everything an epoch leaves is written to one folder, which is renamed into place when it is
complete. The folders stand beside that of the finished training, until all of it is finished.
"""

import csv
import hashlib
import json
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from deepfake_detector.common.artifacts import CODE_LISTS
from deepfake_detector.common.files import hash_file
from deepfake_detector.config.schema import ADVANCED, Params, flatten_params

logger = logging.getLogger(__name__)


def find_unfinished(folder: Path) -> Path:
    """Return where the checkpoints of a training stand, whose results go to `folder`."""
    return folder.with_name(f"{folder.name}_unfinished")


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a training, whose results are all in `folder`."""
    shutil.rmtree(find_unfinished(folder), ignore_errors=True)


def make_fingerprint(stage: dict, params: Params, shards: list[Path], code: dict[str, str]) -> str:
    """Hash all that a stage depends on: its code, and its data and parameters by `dvc.yaml`.

    Args:
        stage: its entry in `dvc.yaml`, with `deps` and `params`.
        shards: of the folders of shards among `deps`, the ones that are used.
        code: of `hash_used_code`, as it is now; the list of it among `deps` may be older.
    """
    sections = tuple(name.removeprefix(f"{ADVANCED}.") for name in stage["params"])
    values = {
        key: value
        for key, value in flatten_params(params).items()
        if any(f"{key}.".startswith(f"{section}.") for section in sections)
    }
    digest = hashlib.sha256(json.dumps([values, code], sort_keys=True).encode())
    folders = {shard.parent for shard in shards}
    data = [Path(dep) for dep in stage["deps"] if not dep.startswith(CODE_LISTS)]
    files = [path for dep in data for path in _list_files(dep, folders)]
    for path in [*files, *shards]:
        digest.update(path.as_posix().encode())
        digest.update(hash_file(path).encode())
    return digest.hexdigest()


def _list_files(path: Path, folders_of_shards: set[Path]) -> Iterable[Path]:
    if path in folders_of_shards:
        return []
    if not path.is_dir():
        return [path] if path.is_file() else []  # nothing need be released
    return [file for file in sorted(path.rglob("*")) if file.is_file()]


class Checkpoint:
    """The last finished epoch of a network: weights, optimizer, history, best and last file.

    Args:
        folder: where the results go in the end.
        name: of the network.
        fingerprint: names everything the training depends on (`make_fingerprint`); a checkpoint
            of another one is not restored.

    Attributes:
        history: rows of `history.csv` of the epochs that are finished.
    """

    def __init__(self, folder: Path, name: str, fingerprint: str):
        self._folder, self._name = find_unfinished(folder) / name, name
        self._fingerprint = fingerprint
        self.history: list[dict] = []

    def restore(self, network: keras.Model, optimizer: keras.Optimizer, kept: keras.Model) -> int:
        """Restore the last finished epoch, where one fits; save these networks from now on.

        Args:
            network: what is trained.
            kept: the form of it that is used later.

        Returns:
            The number of finished epochs.
        """
        self._network, self._optimizer, self._kept = network, optimizer, kept
        latest = self._find_latest()
        for epoch in self._folder.glob("epoch_*"):
            if epoch != latest:
                shutil.rmtree(epoch)
        if latest is None:
            return 0
        network.load_weights(latest / "network.weights.h5")
        with np.load(latest / "optimizer.npz", allow_pickle=False) as saved:
            for index, variable in enumerate(optimizer.variables):
                variable.assign(saved[str(index)])
        with (latest / "history.csv").open(newline="") as file:
            self.history = [_parse_row(row) for row in csv.DictReader(file)]
        logger.info("%s: going on after epoch %d", self._name, len(self.history))
        return len(self.history)

    def save(self, row: dict, is_best: bool) -> None:
        """Save the epoch that just ended, then remove the one before.

        Args:
            row: of `history.csv`.
        """
        before = self._find_latest()
        self.history.append(row)
        partial = self._folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self._network.save_weights(partial / "network.weights.h5")
        variables = self._optimizer.variables
        arrays = {str(i): keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}
        np.savez(partial / "optimizer.npz", **arrays)
        self._kept.save(partial / "last.keras")
        best = partial / "last.keras" if is_best else before / "best.keras"
        shutil.copyfile(best, partial / "best.keras")
        write_history(partial / "history.csv", self.history)
        (partial / "fingerprint.json").write_text(json.dumps(self._fingerprint))
        partial.rename(self._folder / f"epoch_{len(self.history):04d}")
        if before is not None:
            shutil.rmtree(before)

    def find_best(self) -> Path:
        """Return the file of the best epoch so far."""
        return self._find_latest() / "best.keras"

    def publish(self, folder: Path) -> None:
        """Copy the best as `NAME.keras`, the last one and the history into `folder`."""
        latest = self._find_latest()
        folder.mkdir(parents=True, exist_ok=True)
        names = {"best.keras": f"{self._name}.keras", "last.keras": "last.keras"}
        for source, target in (names | {"history.csv": "history.csv"}).items():
            shutil.copyfile(latest / source, folder / f".{target}")
            (folder / f".{target}").replace(folder / target)

    def _find_latest(self) -> Path | None:
        for epoch in sorted(self._folder.glob("epoch_*"), reverse=True):
            if json.loads((epoch / "fingerprint.json").read_text()) == self._fingerprint:
                return epoch
        return None


def write_history(path: Path, history: list[dict]) -> None:
    """Write one row an epoch."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def _parse_row(row: dict[str, str]) -> dict:
    return {key: int(value) if key == "epoch" else float(value) for key, value in row.items()}
