"""Convert annotations of any known format to CVAT, COCO, YOLO or CSV.

Faces labelled real or fake are written; rows that cannot be read, and other faces, are named and
left out. Sizes of the frames, which YOLO and boxes in fractions need, come from the videos.
"""

import argparse
import logging
from pathlib import Path

from deepfake_detector.common import cli

FORMATS = ("cvat", "coco", "yolo", "csv")
MAX_LOGGED = 10

logger = logging.getLogger("convert")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "input", type=Path, metavar="IN", help="annotation file, or folder of them"
    )
    parser.add_argument("--format", required=True, choices=FORMATS)
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        help="file; folder for yolo, and for cvat of several videos",
    )
    parser.add_argument(
        "--videos", type=Path, default=Path("data/videos"), help="folder (default: %(default)s)"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("convert", lambda: convert(arguments))


def convert(arguments: argparse.Namespace) -> None:
    """Read annotations, and write them in another format.

    Raises:
        ValueError: there is no usable face, or a size is needed and not known.
    """
    from deepfake_detector.config.schema import load_params
    from deepfake_detector.data.annotations.face_table_writers import WRITERS
    from deepfake_detector.data.annotations.reader import read_annotation_folder
    from deepfake_detector.data.annotations.usable_faces import (
        find_video_sizes,
        scale_to_px,
        select_usable_faces,
    )

    if not arguments.input.exists():
        raise ValueError(f"{arguments.input}: no such file or folder")
    found = read_annotation_folder(arguments.input, load_params().validate_.csv_columns)
    report(found.rejections)
    if found.corrections:
        logger.warning("%d corrections of labels are left out", len(found.corrections))
    faces, problems = select_usable_faces(found.faces)
    report(problems)
    if faces.empty:
        raise ValueError(f"{arguments.input}: no face in it that can be used")
    faces, sizes = find_video_sizes(faces, arguments.videos)
    WRITERS[arguments.format](scale_to_px(faces, sizes), sizes, arguments.out)
    logger.info("%d faces written to %s", len(faces), arguments.out)


def report(rejections: list) -> None:
    """Log what is left out."""
    for rejection in rejections[:MAX_LOGGED]:
        row = "" if rejection.row is None else f" row {rejection.row}"
        logger.warning("left out %s%s: %s", rejection.file, row, rejection.reason)
    if len(rejections) > MAX_LOGGED:
        logger.warning("and %d more", len(rejections) - MAX_LOGGED)


if __name__ == "__main__":
    main()
