"""Split the videos into train, validation and test, so that no source and no person is in two."""

import argparse
import logging

from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import SHARDS, SPLIT_TABLES, VALIDATED
from deepfake_detector.config.schema import load_params

logger = logging.getLogger("split")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("split", split)


def split() -> None:
    """Write `train.csv`, `validation.csv`, `test.csv` and `summary.json`.

    Raises:
        ValueError: an earlier stage has not run, or the videos cannot be split.
    """
    from deepfake_detector.common.files import write_json
    from deepfake_detector.common.tables import read_table, write_table
    from deepfake_detector.data.splits.assignment import assign_splits
    from deepfake_detector.data.splits.held_out import pin_held_out
    from deepfake_detector.data.splits.split_names import SPLITS
    from deepfake_detector.data.splits.summary import (
        SPLIT_COLUMNS,
        count_contents,
        summarize_splits,
    )

    params = load_params()
    videos = count_contents(
        read_table(VALIDATED / "videos.csv"),
        read_table(VALIDATED / "annotations.csv"),
        read_table(SHARDS / "frames.csv"),
    )
    videos = pin_held_out(videos, params.split.hold_out_methods)
    videos["split"] = assign_splits(videos, params.split, params.seed)
    for name in SPLITS:
        rows = videos.loc[videos["split"] == name, SPLIT_COLUMNS]
        write_table(rows, SPLIT_TABLES / f"{name}.csv")
    summary, notes = summarize_splits(videos)
    write_json(summary, SPLIT_TABLES / "summary.json")
    for name, counts in summary.items():
        logger.info(
            "%s: %s", name, ", ".join(f"{counts[key]} {key.replace('_', ' ')}" for key in counts)
        )
    for note in notes:
        logger.warning("%s", note)


if __name__ == "__main__":
    main()
