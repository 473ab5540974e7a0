"""The page of faces whose label the model disputes, the most confident first."""

from pathlib import Path

import pandas as pd

from deepfake_detector.data.loading.crop_index import read_crop
from deepfake_detector.evaluation.label_errors.annotated_tracks import AnnotatedTrack
from deepfake_detector.evaluation.label_errors.disputed_labels import name_other_label
from deepfake_detector.reports.picture_page import PictureRow, write_picture_page
from deepfake_detector.video.images import encode_jpeg
from deepfake_detector.video.sampling import spread

_PICTURES = 4
_JPEG_QUALITY = 80


def write_wrong_label_page(
    path: Path, disputed: pd.DataFrame, tracks: list[AnnotatedTrack], max_rows: int
) -> None:
    """Write the page.

    Args:
        disputed: of `rank_disputed` for `tracks`.
        max_rows: faces that are shown; the table has all.
    """
    shown = disputed.head(max_rows)
    rows = [
        _make_row(rank, row, tracks[row.Index]) for rank, row in enumerate(shown.itertuples(), 1)
    ]
    notes = [
        f"{len(disputed)} of {len(tracks)} faces look other than they are labelled to a model of "
        f"other people's faces; shown: {len(rows)}. Marked red: {disputed['is_issue'].sum()} "
        "whose label is probably wrong, by how sure the model is of others. Look at each.",
        "Where a label is wrong, write the right one, real or fake, into the column "
        "corrected_label of wrong_labels.csv beside this page, and put that table into "
        "data/annotations/; the annotation files stay as they are.",
    ]
    write_picture_page(path, "Faces whose label may be wrong", notes, rows)


def _make_row(rank: int, row, track: AnnotatedTrack) -> PictureRow:
    crops = [track.crops[number] for number in spread(len(track.crops), _PICTURES)]
    heading = f"{rank}. {row.video}, face {row.face}, frames {row.first_frame} to {row.last_frame}"
    note = (
        f"labelled {row.label}, looks {name_other_label(row.label)}: probability of "
        f"{row.label} {row.label_quality:.3f}"
    )
    pictures = [
        (f"frame {crop.frame}", encode_jpeg(read_crop(crop), _JPEG_QUALITY)) for crop in crops
    ]
    return PictureRow(heading, note, pictures, bool(row.is_issue))
