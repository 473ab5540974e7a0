"""Check the data: videos that decode, annotations that fit, and a set that can be trained on."""

import argparse
import json
import logging

from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import DATA, RELEASED, VALIDATED, VIDEOS
from deepfake_detector.common.parallel import count_workers
from deepfake_detector.config.schema import load_params

logger = logging.getLogger("validate")

MAX_LOGGED = 10


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("validate", lambda: validate(arguments.workers))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--workers",
        type=int,
        default=count_workers(),
        help="processes that decode videos (default: %(default)s, the CPUs)",
    )
    return parser.parse_args()


def validate(workers: int) -> None:
    """Check `data/` and write `artifacts/validate/`.

    Raises:
        ValueError: it cannot be trained on, after everything is written.
    """
    from deepfake_detector.common.files import write_json
    from deepfake_detector.common.tables import write_rejections, write_table
    from deepfake_detector.data.validation.acceptance import check
    from deepfake_detector.data.validation.dataset import load_dataset
    from deepfake_detector.data.validation.dataset_report import assemble
    from deepfake_detector.data.validation.probing import METADATA_VERSION

    params = load_params()
    metadata = read_video_metadata(METADATA_VERSION)
    dataset = load_dataset(DATA, params.validate_.csv_columns, metadata, workers)
    results = check(dataset, params.validate_, VALIDATED / "data_docs")
    report = assemble(dataset, results)
    write_table(report.videos, VALIDATED / "videos.csv")
    write_table(report.annotations, VALIDATED / "annotations.csv")
    write_table(report.ignored_frames, VALIDATED / "ignored_frames.csv")
    write_rejections(report.rejections, VALIDATED / "rejected.csv")
    write_json(
        {"version": METADATA_VERSION, "metadata": report.metadata},
        VALIDATED / "video_metadata.json",
    )
    write_json(
        {"success": not report.problems, "problems": report.problems, "checks": report.findings},
        VALIDATED / "result.json",
    )
    for note in report.notes:
        logger.info("%s", note)
    log_report(report)
    log_known_videos(report.videos)
    if report.problems:
        raise ValueError("this data cannot be trained on:\n" + "\n".join(report.problems))


def read_video_metadata(version: str) -> dict[str, dict]:
    """Give what the last run found in videos; nothing where it cannot be used again."""
    path = VALIDATED / "video_metadata.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return known["metadata"] if known.get("version") == version else {}


def log_report(report) -> None:
    """Log what was accepted and rejected."""
    logger.info(
        "accepted %d videos with %d faces; rejected %d files or rows, see %s",
        len(report.videos),
        len(report.annotations),
        len(report.rejections),
        VALIDATED / "rejected.csv",
    )
    for rejection in report.rejections[:MAX_LOGGED]:
        where = (
            rejection.file if rejection.row is None else f"{rejection.file} row {rejection.row}"
        )
        logger.warning("rejected %s: %s", where, rejection.reason)
    if len(report.rejections) > MAX_LOGGED:
        logger.warning("and %d more rejections", len(report.rejections) - MAX_LOGGED)
    logger.info("Data Docs: %s", (VALIDATED / "data_docs/index.html").resolve().as_uri())


def log_known_videos(videos) -> None:
    """Warn of videos that the released model, where it is here, learned from."""
    from deepfake_detector.data.known_data import find_known_in_data, known_to_text

    known = find_known_in_data(RELEASED, videos, VIDEOS, VALIDATED)
    if known:
        logger.warning(
            "%d videos are known to the released model, so its figures on them, and those of what "
            "starts from it, would be too good: %s", len(known), known_to_text(known),
        )  # fmt: skip


if __name__ == "__main__":
    main()
