"""Split the videos into train, validation and test, so that no source and no person is in two.

Writes what they hold as a data card (data_card.md, data_card.json), and how far the data have
moved from the last committed version of them (metrics.json, for `dvc metrics diff`).

Then looks for what that cannot prevent: videos of different splits that share nearly a frame or a
soundtrack, as copies do that name no common source (leaks.csv, leaks.html).
"""

import argparse
import logging

from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import SHARDS, SPLIT_TABLES, VALIDATED, VIDEOS
from deepfake_detector.common.parallel import count_workers
from deepfake_detector.config.schema import load_params

logger = logging.getLogger("split")

VIDEO_TABLE, ANNOTATIONS = VALIDATED / "videos.csv", VALIDATED / "annotations.csv"
MAX_LOGGED = 10
MAX_PICTURED = 50


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workers", type=int, default=count_workers(),
        help="processes that read videos (default: %(default)s, the CPUs)",
    )  # fmt: skip
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("split", lambda: split(arguments.workers))


def split(workers: int) -> None:
    """Write `train.csv`, `validation.csv`, `test.csv`, `summary.json`, data card and leaks.

    Raises:
        ValueError: an earlier stage has not run, the videos cannot be split, or there are leaks
            and `split.fail_on_leaks` is set.
    """
    from deepfake_detector.common.files import write_json
    from deepfake_detector.common.tables import read_table, write_table
    from deepfake_detector.data.splits.assignment import assign_splits
    from deepfake_detector.data.splits.held_out import pin_held_out
    from deepfake_detector.data.splits.split_names import SPLITS
    from deepfake_detector.data.splits.summary import (
        SPLIT_COLUMNS,
        count_contents,
        select_kept_faces,
        summarize_splits,
    )

    params = load_params()
    annotations, frames = read_table(ANNOTATIONS), read_table(SHARDS / "frames.csv")
    videos = count_contents(read_table(VIDEO_TABLE), annotations, frames)
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
    write_data_card(videos, select_kept_faces(annotations, frames), summary)
    report_leaks(videos, params.split, workers)


def write_data_card(videos, faces, summary: dict) -> None:
    """Write the data card, and the drift from the last version; log that."""
    from deepfake_detector.common.files import write_json, write_text
    from deepfake_detector.data.data_card.card_contents import make_data_card, name_version
    from deepfake_detector.data.data_card.card_text import card_to_markdown, drift_to_line
    from deepfake_detector.data.data_card.drift import compare_versions, measure_contents
    from deepfake_detector.data.data_card.last_version import find_last_card

    path = SPLIT_TABLES / "data_card.json"
    card = make_data_card(videos, faces, summary, name_version([VIDEO_TABLE, ANNOTATIONS]))
    card |= compare_versions(card, find_last_card(path, card["version"]))
    write_json(card, path)
    write_text(card_to_markdown(card), path.with_suffix(".md"))
    metrics = {"data": measure_contents(card), "drift": card["drift"] or {}}
    write_json(metrics, SPLIT_TABLES / "metrics.json")
    logger.info("%s: %s", path.with_suffix(".md"), drift_to_line(card))


def report_leaks(videos, params, workers: int) -> None:
    """Write and log what videos of different splits share.

    Raises:
        ValueError: they share something, and that is to end the stage.
    """
    from deepfake_detector.common.tables import write_table
    from deepfake_detector.data.leaks.fingerprints import read_fingerprints
    from deepfake_detector.data.leaks.leak_report import find_leaks, make_leak_table
    from deepfake_detector.reports.leak_page import write_leak_page

    names = videos["video"].tolist()
    prints = read_fingerprints(
        [VIDEOS / name for name in names], videos["sha256"].tolist(),
        SPLIT_TABLES / "fingerprints", workers,
    )  # fmt: skip
    leaks = find_leaks(names, videos["split"].tolist(), prints, params.max_frame_distance)
    write_table(make_leak_table(leaks), SPLIT_TABLES / "leaks.csv")
    page = SPLIT_TABLES / "leaks.html"
    write_leak_page(page, leaks, VIDEOS, MAX_PICTURED)
    for leak in leaks[:MAX_LOGGED]:
        logger.warning(
            "%s (%s) and %s (%s) share a %s: %s",
            *(leak.videos[0], leak.splits[0], leak.videos[1], leak.splits[1]),
            *(leak.shares, leak.detail),
        )
    if not leaks:
        return
    message = (
        f"{len(leaks)} pairs of videos in different splits share a frame or a soundtrack, so that "
        f"results may flatter; look at {page.resolve().as_uri()}, and give those that are copies "
        "one source in data/videos.csv"
    )
    if params.fail_on_leaks:
        raise ValueError(message + " (split.fail_on_leaks: false lets them pass)")
    logger.warning("%s", message)


if __name__ == "__main__":
    main()
