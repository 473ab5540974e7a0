"""Check by how many frames annotations are off, and whether they end before the faces do.

Finds faces in some frames of each annotated video that `validate` accepted, follows them through
the frames around, and compares them with the annotations, moved by -10 to 10 frames. Writes
artifacts/check_alignment/alignment.csv and alignment.html, a sheet of each video to check by eye.
`frame_offset` in data/videos.csv mends a shift; --apply writes it there.
"""

import argparse
import logging
import time

from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import DATA, VALIDATED, VIDEOS
from deepfake_detector.common.parallel import count_workers
from deepfake_detector.config.schema import load_params

logger = logging.getLogger("check_alignment")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--apply", action="store_true", help="write frame_offset into data/videos.csv"
    )
    parser.add_argument(
        "--workers", type=int, default=count_workers(),
        help="processes (default: %(default)s, the CPUs)",
    )  # fmt: skip
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run(
        "check_alignment",
        lambda: check_alignment(arguments.apply, arguments.workers),
        when_stopped="what was found is kept; the same command goes on",
    )


def check_alignment(is_applied: bool, workers: int) -> None:
    """Write the report, and `frame_offset` where that is wanted.

    Raises:
        ValueError: `validate` has not run, or nothing is annotated.
    """
    from deepfake_detector.common.artifacts import ALIGNMENT
    from deepfake_detector.common.tables import read_table, write_table
    from deepfake_detector.data.annotation_timing.alignment_report import (
        check_videos,
        make_table,
        propose_offsets,
    )
    from deepfake_detector.data.annotations.annotation_writer import add_video_rows
    from deepfake_detector.data.validation.video_list import read_video_list
    from deepfake_detector.reports.alignment_page import write_alignment_page

    videos = read_table(VALIDATED / "videos.csv")
    annotations = read_table(VALIDATED / "annotations.csv")
    if not len(annotations):
        raise ValueError(f"{VALIDATED / 'annotations.csv'}: nothing is annotated")
    started = time.monotonic()
    min_face_px = load_params().annotate.min_face_px
    found = check_videos(VIDEOS, videos, annotations, min_face_px, ALIGNMENT / "faces", workers)
    listed = read_video_list(DATA / "videos.csv", videos["video"].tolist())
    offsets = propose_offsets(found, listed.entries)
    write_table(make_table(found, offsets), ALIGNMENT / "alignment.csv")
    write_alignment_page(ALIGNMENT / "alignment.html", found, offsets)
    log_findings(found, offsets)
    if is_applied and offsets:
        rows = [{"video": video, "frame_offset": str(n)} for video, n in offsets.items()]
        add_video_rows(DATA / "videos.csv", rows)
        logger.info("frame_offset of %d videos written to data/videos.csv", len(rows))
    page = (ALIGNMENT / "alignment.html").resolve().as_uri()
    logger.info("%d videos, %.0f s: %s", len(found), time.monotonic() - started, page)


def log_findings(found, offsets: dict[str, int]) -> None:
    """Log the videos that need a look, one a line."""
    for video in found:
        if video.problem:
            logger.warning("%s", video.problem)
        if video.video in offsets:
            logger.warning(
                "%s: annotations are off by %d frames (sure by %.0f standard deviations): "
                "frame_offset %d in data/videos.csv mends it",
                *(video.video, -video.shift, video.sureness, offsets[video.video]),
            )
        for stretch in video.uncovered:
            logger.warning(
                "%s: nothing is annotated in frames %d to %d, and %d of the %d frames looked at "
                "there show a face",
                *(video.video, stretch.first, stretch.last, stretch.seen, stretch.looked),
            )
    undecidable = [video.video for video in found if video.status == "undecidable"]
    if undecidable:
        logger.info("%d undecidable: %s", len(undecidable), ", ".join(undecidable))


if __name__ == "__main__":
    main()
