"""The page of videos in different splits that share a frame or a soundtrack."""

from pathlib import Path

from deepfake_detector.data.leaks.leak_report import Leak, make_pictures
from deepfake_detector.reports.picture_page import PictureRow, write_picture_page


def write_leak_page(path: Path, leaks: list[Leak], folder: Path, max_rows: int) -> None:
    """Write the page.

    Args:
        folder: of the videos.
        max_rows: leaks that are shown with pictures; the table has all.
    """
    rows = [
        PictureRow(
            f"{leak.videos[0]} and {leak.videos[1]}",
            f"share a {leak.shares}: {leak.detail}",
            make_pictures(leak, folder),
        )
        for leak in leaks[:max_rows]
    ]
    notes = [
        f"{len(leaks)} pairs of videos in different splits; shown: {len(rows)}. Copies belong "
        "into one split: give them one source in data/videos.csv. Different people before one "
        "fixed camera, or under one jingle, are reported, too; look at the pictures."
    ]
    write_picture_page(path, "What videos of different splits share", notes, rows)
