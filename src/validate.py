"""Check the data: videos that decode, annotations that fit, and a set that can be trained on."""

import argparse
import json
import logging
import sys
from pathlib import Path

from deepfake_detector.common.parallel import count_workers
from deepfake_detector.config.schema import load_params

logger = logging.getLogger("validate")

DATA = Path("data")
FOLDER = Path("artifacts/validate")
MAX_LOGGED = 10


def main() -> int:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    try:
        problems = validate(arguments.workers)
    except ValueError as error:
        logger.error("%s", error)
        return 1
    except KeyboardInterrupt:
        logger.error("stopped")
        return 130
    if problems:
        logger.error("this data cannot be trained on:\n%s", "\n".join(problems))
    return 1 if problems else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--workers",
        type=int,
        default=count_workers(),
        help="processes that decode videos (default: %(default)s, the CPUs)",
    )
    return parser.parse_args()


def validate(workers: int) -> list[str]:
    """Check `data/`, write `artifacts/validate/`, and give why it cannot be trained on."""
    from deepfake_detector.common.tables import write_json, write_rejections, write_table
    from deepfake_detector.data.validation.probing import METADATA_VERSION
    from deepfake_detector.data.validation.validate import validate_data

    params = load_params()
    metadata = read_video_metadata(METADATA_VERSION)
    result = validate_data(DATA, params.validate_, FOLDER / "data_docs", metadata, workers)
    write_table(result.videos, FOLDER / "videos.csv")
    write_table(result.annotations, FOLDER / "annotations.csv")
    write_table(result.ignored_frames, FOLDER / "ignored_frames.csv")
    write_rejections(result.rejections, FOLDER / "rejected.csv")
    write_json(
        {"version": METADATA_VERSION, "metadata": result.metadata}, FOLDER / "video_metadata.json"
    )
    write_json(
        {"success": not result.problems, "problems": result.problems, "checks": result.findings},
        FOLDER / "result.json",
    )
    for note in result.notes:
        logger.info("%s", note)
    report(result)
    return result.problems


def read_video_metadata(version: str) -> dict[str, dict]:
    """Give what the last run found in videos; nothing where it cannot be used again."""
    path = FOLDER / "video_metadata.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return known["metadata"] if known.get("version") == version else {}


def report(result) -> None:
    """Log what was accepted and rejected."""
    logger.info(
        "accepted %d videos with %d faces; rejected %d files or rows, see %s",
        len(result.videos),
        len(result.annotations),
        len(result.rejections),
        FOLDER / "rejected.csv",
    )
    for rejection in result.rejections[:MAX_LOGGED]:
        where = (
            rejection.file if rejection.row is None else f"{rejection.file} row {rejection.row}"
        )
        logger.warning("rejected %s: %s", where, rejection.reason)
    if len(result.rejections) > MAX_LOGGED:
        logger.warning("and %d more rejections", len(result.rejections) - MAX_LOGGED)
    logger.info("Data Docs: %s", (FOLDER / "data_docs/index.html").resolve().as_uri())


if __name__ == "__main__":
    sys.exit(main())
