"""Options of the commands that work in several processes, here or on a cluster."""

import argparse
import os

from deepfake_detector.common.parallel import Workers, count_workers

SCHEDULER_VARIABLE = "DASK_SCHEDULER_ADDRESS"


def add_worker_options(parser: argparse.ArgumentParser, help_workers: str) -> None:
    """Add `--workers` and `--cluster`."""
    parser.add_argument("--workers", type=parse_count, metavar="N", help=help_workers)
    add_cluster_option(parser)


def add_cluster_option(parser: argparse.ArgumentParser) -> None:
    """Add `--cluster`."""
    parser.add_argument(
        "--cluster",
        default=os.environ.get(SCHEDULER_VARIABLE, ""),
        metavar="ADDRESS",
        help="scheduler of a Dask cluster whose workers do it, as tcp://scheduler:8786 (default: "
        f"${SCHEDULER_VARIABLE}; docs/scale.md)",
    )


def read_workers(arguments: argparse.Namespace, share_cores: bool = False) -> Workers:
    """Return who does the work: what the options say, by default a process for each CPU."""
    return Workers(arguments.workers or count_workers(), arguments.cluster, share_cores)


def parse_count(text: str) -> int:
    """Read a whole number from 1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)
