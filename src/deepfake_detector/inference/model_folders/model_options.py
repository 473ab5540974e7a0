"""Options of the commands that give verdicts: which model, and for which circumstances."""

import argparse

from deepfake_detector.verdicts.operating_point import EVEN


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add `--model`, `--prevalence` and `--max-false-positive-rate`."""
    parser.add_argument(
        "--model",
        type=parse_model,
        metavar="auto|released|trained|FOLDER",
        help="auto, the default: what was trained, if its calibration belongs to it, else the "
        "released",
    )
    parser.add_argument(
        "--prevalence",
        type=parse_rate,
        default=EVEN,
        metavar="RATE",
        help="how common fakes are where the files come from; shifts the probabilities, not the "
        "answers (%(default)s)",
    )
    parser.add_argument(
        "--max-false-positive-rate",
        type=parse_rate,
        metavar="RATE",
        help="of real videos that may be called likely fake (default: as it was calibrated)",
    )


def parse_model(text: str) -> str | None:
    """Return the name of a model; None for `auto`, which `mlflow run` passes without one."""
    return None if text == "auto" else text


def parse_rate(text: str) -> float:
    """Read a number between 0 and 1, as `0.01` or `1%`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        rate = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got {text!r}")
    return rate
