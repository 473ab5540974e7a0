"""Labels of accepted faces, corrected by what a person decided about them."""

from collections.abc import Iterable, Mapping

import pandas as pd

from deepfake_detector.common.tables import Rejection
from deepfake_detector.data.annotations.importers.label_corrections import LabelCorrection


def number_faces(faces: pd.DataFrame) -> pd.DataFrame:
    """Order faces by video and frame; a face without a key gets its number in its frame."""
    table = faces.sort_values(["video", "frame"], kind="stable", ignore_index=True)
    number = table.groupby(["video", "frame"]).cumcount().astype(str)
    return table.assign(face=table["face"].where(table["face"] != "", number))


def correct_labels(
    faces: pd.DataFrame, corrections: Iterable[LabelCorrection], videos: Mapping[str, str]
) -> tuple[pd.DataFrame, int, list[Rejection]]:
    """Correct the labels of faces; of two corrections of one face, the later one counts.

    Args:
        faces: of `number_faces`.
        videos: what names of videos mean.

    Returns:
        The faces, how many have another label than before, and corrections of no face.
    """
    labels, rejections = faces["label"].copy(), []
    by_video = faces.groupby("video").indices
    for correction in corrections:
        rows = faces.iloc[by_video.get(videos.get(correction.name, ""), [])]
        is_meant = rows["frame"].between(correction.first_frame, correction.last_frame)
        if correction.face:
            is_meant &= rows["face"] == correction.face
        labels[rows.index[is_meant]] = correction.label
        if not is_meant.any():
            rejections.append(
                Rejection(
                    correction.file,
                    correction.row,
                    f"no face {correction.face} of {correction.name!r:.60} is annotated in frames "
                    f"{correction.first_frame} to {correction.last_frame}; correct or remove the "
                    "row",
                )
            )
    return faces.assign(label=labels), int((labels != faces["label"]).sum()), rejections
