"""The trained detector as MLflow serves it: pictures in, faces out.

MLflow runs this file to load the model ("models from code"), so nothing is pickled. `registry`
logs it together with the package, so that it works outside the project.
"""

import base64
import binascii
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from deepfake_detector.labels import FACE_LABELS
from deepfake_detector.prediction import find_faces, load_detector
from deepfake_detector.tracking.registry import EVERY_FACE, FOUND_FACE

COLUMNS = list(FOUND_FACE)


class ServedDetector(PythonModel):
    """Finds the faces in each row's picture and labels them real or fake."""

    def load_context(self, context):
        files = {name: Path(path) for name, path in context.artifacts.items()}
        self._detector = load_detector(files["detector"], files.get("second_look"))

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        """Find faces.

        Args:
            model_input: column `image`, each a JPEG or PNG file as base64 text.
            params: `score_threshold`, faces scored lower are left out.

        Returns:
            One row per found face, best first within a picture: `row` (of the input, from 0),
            `label`, `score`, and the box in px of the picture.
        """
        faces = [
            _faces_to_rows(row, find_faces(self._detector, [decode_image(text, row)])[0])
            for row, text in enumerate(model_input["image"])
        ]
        found = pd.concat([_no_faces(), *faces], ignore_index=True)
        threshold = (params or {}).get("score_threshold", EVERY_FACE)
        return found[found["score"] >= threshold].reset_index(drop=True)


def decode_image(text: str, row: int) -> np.ndarray:
    """Decode a picture: base64 of a JPEG or PNG file to uint8 RGB [height, width, 3].

    Raises:
        ValueError: it is no base64, or no picture; the message names the row.
    """
    try:
        content = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError(f"row {row}: image is not base64: {error}") from error
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB) if content.size else None
    if picture is None:
        raise ValueError(f"row {row}: image is not a JPEG or PNG file")
    return picture


def _faces_to_rows(row: int, faces: pd.DataFrame) -> pd.DataFrame:
    scores = faces[list(FACE_LABELS)]
    rows = pd.DataFrame({"row": row, "label": scores.idxmax(axis=1), "score": scores.max(axis=1)})
    boxes_px = faces[["left", "top", "right", "bottom"]].add_suffix("_px")
    return pd.concat([rows, boxes_px], axis=1).astype(_no_faces().dtypes.to_dict())[COLUMNS]


def _no_faces() -> pd.DataFrame:
    types = {"long": "int64", "string": "object", "double": "float64"}
    return pd.DataFrame({c: pd.Series(dtype=types[kind]) for c, kind in FOUND_FACE.items()})


mlflow.models.set_model(ServedDetector())
