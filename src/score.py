"""Score anyone's detections against annotated faces: average precision by every rule.

Both files are CSV with a header, boxes in px; an image without faces is a row with an empty label:
  DETECTIONS: image,label,score,left,top,right,bottom
  TRUTH:      image,label,left,top,right,bottom
Instead of `image` both may have `video` and `frame`. Labels are `real` and `fake`; a found face
may be listed once per label.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np

from deepfake_detector.common import cli
from deepfake_detector.common.labels import FACE_LABELS, name_to_label
from deepfake_detector.config.schema import load_params
from deepfake_detector.metrics import Detections, Truth, score_detections
from deepfake_detector.metrics.detection_files import read_files


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("detections", type=Path, metavar="DETECTIONS.csv")
    parser.add_argument("truth", type=Path, metavar="TRUTH.csv")
    parser.add_argument("--json", action="store_true", help="print a JSON object, not a table")
    arguments = parser.parse_args()
    cli.run("score", lambda: score(arguments))


def score(arguments: argparse.Namespace) -> None:
    """Print the scores of detections, as a table or as JSON."""
    iou_threshold = load_params().evaluate.iou_threshold
    detections, truth, images = read_files(arguments.detections, arguments.truth)
    scores = score_detections(detections, truth, iou_threshold)
    if arguments.json:
        print(json.dumps(scores_to_json(scores), indent=2))
    else:
        print(scores_to_text(scores, detections, truth, images, iou_threshold))


def scores_to_json(scores: dict[str, dict[str, float]]) -> dict:
    """Replace NaN, which JSON has not, by null."""
    return {
        row: {rule: None if math.isnan(value) else value for rule, value in rules.items()}
        for row, rules in scores.items()
    }


def scores_to_text(
    scores: dict, detections: Detections, truth: Truth, images: int, iou_threshold: float
) -> str:
    """Make a table for people."""
    counts = [
        f"{np.count_nonzero(truth.label == name_to_label(name)):,} {name}" for name in FACE_LABELS
    ]
    lines = [
        f"{images:,} images, {len(truth.label):,} faces ({', '.join(counts)}), "
        f"{len(detections.label):,} detections",
        "",
        f"{'average precision':<18}{'VOC 11 points':>15}{'VOC area':>12}{'COCO':>12}",
        f"{'at iou_threshold':<18}{iou_threshold:>15g}{iou_threshold:>12g}{'0.50:0.95':>12}",
    ]
    for row, rules in scores.items():
        voc_11, voc_area, coco = (_value_to_text(rules[r]) for r in ("voc_11", "voc_area", "coco"))
        lines.append(f"{row:<18}{voc_11:>15}{voc_area:>12}{coco:>12}")
    return "\n".join(lines)


def _value_to_text(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.4f}"


if __name__ == "__main__":
    main()
