"""Faces that can be given on to other tools: with a label, a box and a safe name, in px."""

from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.common.tables import Rejection
from deepfake_detector.data.annotations.fields import FRACTION
from deepfake_detector.video.decoding import decode_frames
from deepfake_detector.video.names import VideoNames, check_video_name


def select_usable_faces(faces: pd.DataFrame) -> tuple[pd.DataFrame, list[Rejection]]:
    """Select faces labelled real or fake, with a box, in a frame and a video that may exist.

    Returns:
        Those, and one rejection for each kind of others in each file, at the first row.
    """
    reasons = pd.Series("", index=faces.index, dtype=str)
    reasons[faces["frame"] < 0] = "frame before the first"
    is_box = np.isfinite(faces[BOX]).all(axis=1)
    is_box &= (faces["left"] < faces["right"]) & (faces["top"] < faces["bottom"])
    reasons[~is_box] = "box without numbers or area"
    is_known = faces["label"].isin(FACE_LABELS)
    reasons[~is_known] = "label " + faces["label"].map(repr) + ": expected real or fake"
    for name in faces["name"].unique():
        try:
            check_video_name(name)
        except ValueError as error:
            reasons[faces["name"] == name] = str(error)
    lost = faces.assign(reason=reasons)[reasons != ""]
    rejections = [
        Rejection(file, int(group["row"].iloc[0]), f"{reason} (faces left out: {len(group)})")
        for (file, reason), group in lost.groupby(["file", "reason"])
    ]
    return faces[reasons == ""], rejections


def find_video_sizes(
    faces: pd.DataFrame, folder: Path
) -> tuple[pd.DataFrame, dict[str, tuple[int, int]]]:
    """Find the videos of faces in a folder, which need not be there.

    Returns:
        The faces, `name` with its ending where the video is there; and width and height in px of
        those videos.
    """
    paths = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    names, found, sizes = VideoNames(paths), {}, {}
    for name in faces["name"].unique():
        try:
            found[name] = names.find(name)
            frame = next(decode_frames(paths[found[name]], threads=1))
            sizes[found[name]] = frame.size_px
        except (ValueError, StopIteration):  # not there, or no video: only its name is known
            continue
    return faces.assign(name=faces["name"].map(lambda name: found.get(name, name))), sizes


def scale_to_px(faces: pd.DataFrame, sizes: dict[str, tuple[int, int]]) -> pd.DataFrame:
    """Turn boxes in fractions of the frame into px.

    Raises:
        ValueError: the size of such a video is not known.
    """
    is_fraction = faces["unit"] == FRACTION
    unknown = set(faces.loc[is_fraction, "name"]) - sizes.keys()
    if unknown:
        raise ValueError(
            f"the boxes of {min(unknown)} are fractions of the frame, whose size is not known; "
            "put the video where --videos says"
        )
    scales = faces["name"].map(lambda name: sizes.get(name, (1, 1)) * 2)
    scale = np.array(scales.tolist(), float).reshape(-1, 4)
    boxes = np.where(is_fraction.to_numpy()[:, None], faces[BOX] * scale, faces[BOX])
    return faces.assign(**dict(zip(BOX, boxes.T, strict=True)), unit="px")
