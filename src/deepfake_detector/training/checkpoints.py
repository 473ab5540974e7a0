"""The last finished epoch on disk, so that a training that is killed goes on after it.

Everything an epoch leaves is written to one folder, which is renamed into place when it is
complete. The folders stand beside that of the finished training, until all of it is finished.
"""

import csv
import json
import shutil
from pathlib import Path

import keras
import numpy as np


def find_unfinished(folder: Path) -> Path:
    """Give where the checkpoints of a training stand, whose results go to `folder`."""
    return folder.with_name(f"{folder.name}_unfinished")


def remove_checkpoints(folder: Path) -> None:
    """Forget the checkpoints of a training, whose results are all in `folder`."""
    shutil.rmtree(find_unfinished(folder), ignore_errors=True)


class Checkpoint:
    """Weights, optimizer, history, and the best and last of what is kept, of one network.

    Args:
        folder: where the results go in the end.
        name: of the network.
        fingerprint: names everything the training depends on; of another one nothing is taken up.
    """

    def __init__(self, folder: Path, name: str, fingerprint: str):
        self._folder, self._name = find_unfinished(folder) / name, name
        self._fingerprint = fingerprint

    def restore(self, network: keras.Model, optimizer: keras.Optimizer) -> list[dict]:
        """Restore weights and optimizer; give the history, empty where nothing fits."""
        latest = self._find_latest()
        for epoch in self._folder.glob("epoch_*"):
            if epoch != latest:
                shutil.rmtree(epoch)
        if latest is None:
            return []
        network.load_weights(latest / "network.weights.h5")
        with np.load(latest / "optimizer.npz", allow_pickle=False) as saved:
            for index, variable in enumerate(optimizer.variables):
                variable.assign(saved[str(index)])
        with (latest / "history.csv").open(newline="") as file:
            return [_parse_row(row) for row in csv.DictReader(file)]

    def save(
        self,
        network: keras.Model,
        optimizer: keras.Optimizer,
        kept: keras.Model,
        history: list[dict],
        is_best: bool,
    ) -> None:
        """Save the epoch that just ended, then forget the one before.

        Args:
            network: what is trained.
            kept: the form of it that is used later.
        """
        before = self._find_latest()
        partial = self._folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        network.save_weights(partial / "network.weights.h5")
        arrays = {str(i): keras.ops.convert_to_numpy(v) for i, v in enumerate(optimizer.variables)}
        np.savez(partial / "optimizer.npz", **arrays)
        kept.save(partial / "last.keras")
        best = partial / "last.keras" if is_best else before / "best.keras"
        shutil.copyfile(best, partial / "best.keras")
        write_history(partial / "history.csv", history)
        (partial / "fingerprint.json").write_text(json.dumps(self._fingerprint))
        partial.rename(self._folder / f"epoch_{len(history):04d}")
        if before is not None:
            shutil.rmtree(before)

    def find_best(self) -> Path:
        """Give the file of the best epoch so far."""
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
