"""The files of the released detector's folder, checked against `SHA256SUMS` before they are read.

Nothing here needs Keras: a detector that runs in ONNX Runtime is loaded without it.
"""

import json
import logging
import subprocess
import sys
from pathlib import Path

from deepfake_detector.common.files import hash_file

SCHEMA = 1
WEIGHTS, LATE_HEADS, ENCODER = "weights.npz", "late_heads.npz", "encoder.npz"
MODEL, SUMS = "model.json", "SHA256SUMS"
PULL_COMMAND = "dvc pull released"
REMEDY = f"fetch it anew with `{PULL_COMMAND}`"

logger = logging.getLogger(__name__)


def pull_released(folder: Path) -> None:
    """Let DVC fetch a released folder where it is tracked and not there.

    Raises:
        ValueError: DVC could not fetch it; it has said why.
    """
    if folder.is_dir() or not folder.with_suffix(".dvc").is_file():
        return
    logger.info("%s: fetched once with `%s`", folder, PULL_COMMAND)
    command = [sys.executable, "-m", "dvc", "pull", "--quiet", str(folder)]
    if subprocess.run(command).returncode != 0:
        raise ValueError(f"{folder}: could not be fetched; see `{PULL_COMMAND}`")


def read_released_model(folder: Path) -> dict:
    """Read `model.json`: the parameters of the released `detector` and `face_classifier`.

    Raises:
        ValueError: the folder is not there, incomplete, changed, or of another schema; the message
            names the file and the command that mends it.
    """
    check_hashes(folder, (WEIGHTS, MODEL))
    check_hashes(folder, tuple(list_arrays(folder)))
    model = json.loads((folder / MODEL).read_text(encoding="utf-8"))
    if model.get("schema") != SCHEMA:
        raise ValueError(
            f"{folder / MODEL}: schema {model.get('schema')}, this version of the project reads "
            f"{SCHEMA}; {REMEDY}, or check out the version it belongs to"
        )
    return model


def list_arrays(folder: Path) -> list[str]:
    """List the files of arrays that a version has: late heads as of 0.3, an encoder as of 0.4."""
    sums = read_sums(folder / SUMS)
    return [name for name in (WEIGHTS, LATE_HEADS, ENCODER) if name in sums]


def check_hashes(folder: Path, names: tuple[str, ...]) -> None:
    """Check files of the folder against `SHA256SUMS`.

    Raises:
        ValueError: one is missing or changed; the message names it and the command that mends it.
    """
    for name in (SUMS, *names):
        if not (folder / name).is_file():
            raise ValueError(f"{folder / name} is not there; {REMEDY}")
    sums = read_sums(folder / SUMS)
    for name in names:
        if sums.get(name) != hash_file(folder / name):
            raise ValueError(f"{folder / name}: its SHA-256 is not the one in {SUMS}; {REMEDY}")


def read_sums(path: Path) -> dict[str, str]:
    """Read the SHA-256 of files by their names, as `sha256sum` writes them."""
    return {line[66:]: line[:64] for line in path.read_text(encoding="utf-8").splitlines()}
