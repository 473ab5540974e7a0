"""The registered detector: what its served form takes, gives and needs."""

import base64
import hashlib
import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deepfake_detector.common.files import hash_file
from deepfake_detector.config.schema import PredictParams
from deepfake_detector.inference.detector import FACE_CLASSIFIER
from deepfake_detector.inference.engine import ONNX_FOLDER
from deepfake_detector.mlflow_tracking.outbox import is_away
from deepfake_detector.mlflow_tracking.runs import is_sent
from deepfake_detector.mlflow_tracking.signature import make_signature

NAME = "deepfake_detector"
NEWEST = "newest"
"""Alias of the detector registered last: `models:/deepfake_detector@newest`."""

RELEASED = "released"
"""Alias of the released model, and the name of its folder in what is logged."""

DIGEST = "model_sha256"
"""Tag of a version: the hash of what it is made of."""

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]
REQUIREMENTS = (
    *("mlflow", "tensorflow-cpu", "tensorflow", "keras", "onnxruntime", "numpy", "pandas"),
    *("opencv-python-headless", "av", "google-crc32c", "pydantic", "PyYAML", "scipy", "tqdm"),
)


def register_detector(
    detector: Path, calibration: Path, params: PredictParams, example_image: bytes
) -> str:
    """Log and register the detector of the current run, with its calibration, as a served model.

    What this run has registered before is left as it is.

    Args:
        detector: the `.keras` file; the face classifier and the files for ONNX Runtime in their
            folders beside it go with it.
        params: which frames of a video it looks at, and which faces it answers with.
        example_image: a JPEG or PNG file, the model's input example.

    Returns:
        The version's address, `models:/deepfake_detector/3`; empty where MLflow is away.
    """
    from mlflow.exceptions import MlflowException

    try:
        if is_sent():
            return _register_detector(detector, calibration, params, example_image)
    except MlflowException as error:
        if not is_away(error):
            raise
    logger.warning("not registered, as MLflow is away; later: dvc repro -f -s calibrate")
    return ""


def _register_detector(
    detector: Path, calibration: Path, params: PredictParams, example_image: bytes
) -> str:
    import mlflow

    classifier = detector.parent / FACE_CLASSIFIER
    files = {"detector": detector, "calibration": calibration}
    files |= {"face_classifier": classifier} if classifier.is_file() else {}
    digest = _hash_model(files, params)
    files |= {ONNX_FOLDER: folder} if (folder := detector.parent / ONNX_FOLDER).is_dir() else {}
    run_id = mlflow.active_run().info.run_id
    same = [version for version in _list_versions(digest) if version.run_id == run_id]
    number = same[0].version if same else _log_version(files, params, example_image, digest)
    if _is_newest(number):  # also where the process that registered it was killed before this
        mlflow.MlflowClient().set_registered_model_alias(NAME, NEWEST, number)
    return f"models:/{NAME}/{number}"


def register_released(folder: Path, params: PredictParams, example_image: bytes) -> str:
    """Log and register the released model in the current run: version 1 of a new registry.

    Where it is registered already, whatever run did so, that version is left as it is.

    Args:
        folder: of the released model.
        params: as for `register_detector`, like `example_image`.

    Returns:
        The version's address, `models:/deepfake_detector/1`.
    """
    import mlflow

    paths = [path for path in folder.rglob("*") if path.is_file()]
    digest = _hash_model({path.relative_to(folder).as_posix(): path for path in paths}, params)
    same = _list_versions(digest)
    number = (
        same[0].version
        if same
        else _log_version({RELEASED: folder}, params, example_image, digest)
    )
    mlflow.MlflowClient().set_registered_model_alias(NAME, RELEASED, number)
    return f"models:/{NAME}/{number}"


def _log_version(
    files: dict[str, Path], params: PredictParams, example_image: bytes, digest: str
) -> str:
    """Log a served model in the current run and register it; return the version's number.

    A process may be killed between the two, or before: the version and its tag come in one step,
    and what was logged before is registered, or deleted where it is not whole.
    """
    import mlflow

    model_id = _find_logged(digest) or _log_model(files, params, example_image, digest)
    version = mlflow.register_model(f"models:/{model_id}", NAME, tags={DIGEST: digest})
    return version.version


def _find_logged(digest: str) -> str | None:
    """Find this very model among those that the current run has logged; delete unfinished ones.

    Those of other runs, too: a run whose process was killed is not gone on with.
    """
    import mlflow
    from mlflow.entities import LoggedModelStatus

    client, run = mlflow.MlflowClient(), mlflow.active_run().info
    same = client.search_logged_models([run.experiment_id], f"tags.{DIGEST} = '{digest}'")
    for model in same:
        if model.status != LoggedModelStatus.READY:
            client.delete_logged_model(model.model_id)
    ready = [model for model in same if model.status == LoggedModelStatus.READY]
    return next((m.model_id for m in ready if m.source_run_id == run.run_id), None)


def _log_model(
    files: dict[str, Path], params: PredictParams, example_image: bytes, digest: str
) -> str:
    """Log a served model in the current run; return its id."""
    import mlflow

    info = mlflow.pyfunc.log_model(
        name="detector",
        python_model=str(PACKAGE / "mlflow_tracking" / "served_model.py"),
        artifacts={name: str(path) for name, path in files.items()},
        model_config=params.model_dump(),
        code_paths=[str(PACKAGE)],
        signature=make_signature(params),
        input_example=_make_example(example_image),
        pip_requirements=list_requirements(),
        tags={DIGEST: digest},
    )
    return info.model_id


def _is_newest(number: str) -> bool:
    """Return whether no version was registered later, but for the released model."""
    import mlflow

    client = mlflow.MlflowClient()
    released = int(client.get_registered_model(NAME).aliases.get(RELEASED, 0))
    versions = client.search_model_versions(f"name='{NAME}'")
    return int(number) >= max({int(v.version) for v in versions} - {released}, default=0)


def _make_example(image: bytes):
    import pandas as pd

    return pd.DataFrame({"image": [base64.b64encode(image).decode()]})


def _list_versions(digest: str) -> list:
    """List the versions of this very model."""
    import mlflow

    versions = mlflow.MlflowClient().search_model_versions(f"name='{NAME}'")
    return [version for version in versions if version.tags.get(DIGEST) == digest]


def _hash_model(files: dict[str, Path], params: PredictParams) -> str:
    digest = hashlib.sha256(params.model_dump_json().encode())
    for name, path in sorted(files.items()):
        digest.update(name.encode() + hash_file(path).encode())
    return digest.hexdigest()


def list_requirements() -> list[str]:
    """List what the served model needs, in the versions installed here."""
    return [f"{name}=={found}" for name in REQUIREMENTS if (found := _find_version(name))]


def _find_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
