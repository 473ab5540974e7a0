"""The registered detector: what its served form takes, gives and needs."""

import base64
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deepfake_detector.prediction import SECOND_LOOK

NAME = "deepfake_detector"
NEWEST = "newest"
"""Alias of the detector registered last: `models:/deepfake_detector@newest`."""

DIGEST = "detector_sha256"

FOUND_FACE = {
    "row": "long",
    "label": "string",
    "score": "double",
    "left_px": "double",
    "top_px": "double",
    "right_px": "double",
    "bottom_px": "double",
}
"""The columns of the served model's answer, with MLflow's names of their types."""

EVERY_FACE = 0.0
"""The served model's `score_threshold` unless a request gives another one."""

PACKAGE = Path(__file__).parents[1]
REQUIREMENTS = (
    *("mlflow", "tensorflow-cpu", "tensorflow", "keras", "numpy", "pandas"),
    *("opencv-python-headless", "pydantic", "PyYAML", "tqdm"),
)


def register_detector(detector: Path, example_image: bytes) -> str:
    """Log and register the detector of the current run as a served model.

    A detector that this run has registered before is left as it is.

    Args:
        detector: the `.keras` file; the second look in its folder beside it goes with it.
        example_image: a JPEG or PNG file, the model's input example.

    Returns:
        The version's address, `models:/deepfake_detector/3`.
    """
    import mlflow
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

    look = detector.parent / SECOND_LOOK
    files = {"detector": detector} | ({"second_look": look} if look.is_file() else {})
    registered = _find_registered(files)
    if registered is not None:
        return registered
    signature = ModelSignature(
        inputs=Schema([ColSpec("string", "image")]),
        outputs=Schema([ColSpec(kind, name) for name, kind in FOUND_FACE.items()]),
        params=ParamSchema([ParamSpec("score_threshold", "double", EVERY_FACE)]),
    )
    example = pd.DataFrame({"image": [base64.b64encode(example_image).decode()]})

    info = mlflow.pyfunc.log_model(
        name="detector",
        python_model=str(PACKAGE / "tracking" / "served_model.py"),
        artifacts={name: str(path) for name, path in files.items()},
        code_paths=[str(PACKAGE)],
        signature=signature,
        input_example=example,
        pip_requirements=list_requirements(),
        registered_model_name=NAME,
    )
    client, number = mlflow.MlflowClient(), info.registered_model_version
    client.set_model_version_tag(NAME, number, DIGEST, _hash_files(files))
    client.set_registered_model_alias(NAME, NEWEST, number)
    return f"models:/{NAME}/{number}"


def _find_registered(files: dict[str, Path]) -> str | None:
    """Find the version under which the current run has registered these very files."""
    import mlflow

    run_id, digest = mlflow.active_run().info.run_id, _hash_files(files)
    versions = mlflow.MlflowClient().search_model_versions(f"name='{NAME}'")
    same = [v for v in versions if v.run_id == run_id and v.tags.get(DIGEST) == digest]
    return f"models:/{NAME}/{same[0].version}" if same else None


def _hash_files(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def list_requirements() -> list[str]:
    """List what the served model needs, in the versions installed here."""
    return [f"{name}=={found}" for name in REQUIREMENTS if (found := _find_version(name))]


def _find_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
