"""What a request to the served model names: a picture in it, or a video in the allowed folder."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.mlflow_tracking.signature import INPUTS
from deepfake_detector.video.decoders.decoder import Decoder

VIDEO_FOLDER = "DEEPFAKE_DETECTOR_VIDEOS"
"""Environment variable: the folder that videos are taken from. Without it, none are."""

_DATA_ADDRESS = re.compile(r"^data:[^,]{0,100};base64,", re.IGNORECASE)


def check_columns(table: pd.DataFrame) -> None:
    """Check that a request names one of `INPUTS`, so that a mistyped column is not passed over.

    Raises:
        MlflowException: it has no known column; MLflow drops others, and then has no rows.
    """
    if not set(INPUTS) & set(table.columns):
        from mlflow.exceptions import MlflowException

        raise MlflowException.invalid_parameter_value(
            f"expected a column {' or '.join(INPUTS)}, got {_list_names(table.columns)}"
        )


def _list_names(names) -> str:
    return ", ".join(f"{name!s:.40}" for name in names[:10]) or "none"


def find_video_folder(environment: Mapping[str, str]) -> Path | None:
    """Give the folder that videos may lie in, links followed; None where none is allowed.

    Raises:
        ValueError: it is not there.
    """
    named = environment.get(VIDEO_FOLDER)
    if not named:
        return None
    folder = Path(os.path.realpath(named))
    if not folder.is_dir():
        raise ValueError(f"{VIDEO_FOLDER}={named}: no such folder")
    return folder


def find_video(name: str, folder: Path | None) -> Path:
    """Find a video by its path in the allowed folder.

    Args:
        name: relative to the folder; an absolute path must lead into it.
        folder: as `find_video_folder` gives it.

    Raises:
        ValueError: no folder is allowed, the path leads out of it (`..`, links), or is no file's.
    """
    if folder is None:
        raise ValueError(f"no videos are served here; the server needs {VIDEO_FOLDER}=FOLDER")
    path = Path(os.path.realpath(folder / name))  # links are followed before it is analyzed
    if not path.is_relative_to(folder):
        raise ValueError(f"{name}: outside of the folder that videos are served from")
    if not path.is_file():
        raise ValueError(f"{name}: no such file in the folder that videos are served from")
    return path


def decode_image(text: str, decoder: Decoder) -> np.ndarray:
    """Decode a picture: base64 of a JPEG or PNG file to uint8 RGB [height, width, 3].

    White space and what a `data:` address begins with are left out.

    Raises:
        ValueError: it is no base64, or no picture.
    """
    try:
        content = base64.b64decode(_DATA_ADDRESS.sub("", "".join(text.split())), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"image is not base64: {error}") from error
    try:
        return decoder.decode_image(content, Path("image"))
    except ValueError as error:
        raise ValueError(f"image is not a JPEG or PNG file ({error})") from error
