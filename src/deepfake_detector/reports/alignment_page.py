"""The page of annotations and found faces, video by video, those that need a look first."""

from collections.abc import Mapping
from pathlib import Path

from deepfake_detector.data.annotation_timing.video_alignment import VideoAlignment
from deepfake_detector.reports.picture_page import PictureRow, write_picture_page


def write_alignment_page(
    path: Path, found: list[VideoAlignment], offsets: Mapping[str, int]
) -> None:
    """Write the page; `offsets` are the proposed `frame_offset` of shifted videos."""
    rows = [_make_row(alignment, offsets) for alignment in found]
    rows.sort(key=lambda row: not row.is_marked)
    marked = sum(row.is_marked for row in rows)
    notes = [
        f"{len(found)} annotated videos, {marked} to look at (marked red, first).",
        "Green: annotated. White: found by MTCNN. The boxes of the two may differ in size "
        "and place, but not in when they move.",
    ]
    write_picture_page(path, "Annotations beside the faces that are found", notes, rows)


def _make_row(alignment: VideoAlignment, offsets: Mapping[str, int]) -> PictureRow:
    says = [alignment.problem or alignment.reason]
    if alignment.video in offsets:
        says.append(
            f"off by {-alignment.shift} frames, sure by {alignment.sureness:.0f} standard "
            f"deviations: frame_offset {offsets[alignment.video]} in data/videos.csv mends it"
        )
    says += [
        f"nothing is annotated in frames {stretch.first} to {stretch.last}; {stretch.seen} of "
        f"{stretch.looked} frames looked at there show a face"
        for stretch in alignment.uncovered
    ]
    is_marked = bool(alignment.problem or alignment.uncovered or alignment.video in offsets)
    pictures = [(f"frame {number}", jpeg) for number, jpeg in alignment.sheet]
    heading = f"{alignment.video}: {alignment.status}"
    return PictureRow(heading, "; ".join(filter(None, says)), pictures, is_marked)
