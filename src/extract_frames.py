"""Keep every n-th frame of each video as JPEG in a TFRecord shard, with the faces in it."""

import argparse
import logging

from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import SHARDS, VALIDATED, VIDEOS
from deepfake_detector.common.parallel import Workers
from deepfake_detector.common.worker_options import add_worker_options, read_workers
from deepfake_detector.config.schema import load_params

logger = logging.getLogger("extract_frames")


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run(
        "extract_frames",
        lambda: extract_frames(read_workers(arguments)),
        when_stopped="the videos that are done are kept, the same command goes on",
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_worker_options(parser, "processes that decode videos (default: the CPUs)")
    return parser.parse_args()


def extract_frames(workers: Workers) -> None:
    """Bring `artifacts/extract_frames/` up to date with the data that `validate` accepted.

    Raises:
        ValueError: `validate` has not run, or no video is left.
    """
    from deepfake_detector.common.tables import read_table, write_rejections, write_table
    from deepfake_detector.data.extraction.build_shards import (
        make_frame_table,
        make_shards,
        plan_extractions,
    )

    params = load_params().extract_frames
    names = ("videos", "annotations", "ignored_frames")
    tables = [read_table(VALIDATED / f"{name}.csv") for name in names]
    plans = plan_extractions(*tables, VIDEOS, params)
    finished, rejections, made = make_shards(plans, SHARDS, workers)
    frames = make_frame_table(finished)
    write_table(frames, SHARDS / "frames.csv")
    write_rejections(rejections, SHARDS / "rejected.csv")
    for rejection in rejections:
        logger.warning("rejected %s: %s", rejection.file, rejection.reason)
    if not finished:
        raise ValueError(f"no video is left; correct what {SHARDS / 'rejected.csv'} says")
    logger.info(
        "%d frames of %d videos, %d without a face; made %d shards, kept %d, rejected %d videos",
        len(frames),
        len(finished),
        (frames["faces"] == 0).sum(),
        made,
        len(finished) - made,
        len(rejections),
    )


if __name__ == "__main__":
    main()
