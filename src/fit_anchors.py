"""Measure how well the anchors of params.yaml suit the training faces, and fit others to them.

  python src/fit_anchors.py --out anchors.png

The fitted ones are a start, not a promise: `python src/tune.py` finds out whether a detector
learns more with them.
"""

import argparse
import logging
import os
from pathlib import Path

from deepfake_detector.common import cli
from deepfake_detector.config.schema import DetectorParams, load_params
from deepfake_detector.data.splits.listing import list_shards

logger = logging.getLogger("fit_anchors")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--out", type=Path, required=True, help="picture to write, PNG")
    out = parser.parse_args().out
    cli.run("fit_anchors", lambda: fit(load_params().detector, out))


def fit(params: DetectorParams, out: Path) -> None:
    """Print how well the anchors match as they are and as fitted; draw both over the faces."""
    from deepfake_detector.data.splits.listing import read_boxes
    from deepfake_detector.models.ssd.anchor_kmeans import compute_sizes
    from deepfake_detector.models.ssd.anchors import list_sizes
    from deepfake_detector.plots.anchor_sizes import draw_anchors
    from deepfake_detector.plots.style import save_figure
    from deepfake_detector.tuning.initial_trials import TrainingFaces

    boxes = read_boxes(list_shards("train"))
    faces = TrainingFaces(boxes)
    fitted = faces.fit(params.anchors)
    sets = {"params.yaml": params.anchors, "fitted": fitted}
    for name, anchors in sets.items():
        measured = faces.measure(params.model_copy(update={"anchors": anchors}))
        print(
            f"{name}: an anchor matches {measured.best_possible_recall:.1%} of {len(boxes)} faces "
            f"with an IoU over {params.matching.positive_iou:g}; mean best IoU "
            f"{measured.mean_best_iou:.3f}"
        )
    print(f"fitted scales: {fitted.scales}\nfitted aspect_ratios: {fitted.aspect_ratios}")
    drawn = {name: list_sizes(anchors) for name, anchors in sets.items()}
    subject = f"{len(boxes)} faces of the train split"
    save_figure(draw_anchors(compute_sizes(boxes), drawn, subject), out)
    logger.info("wrote %s", out)


if __name__ == "__main__":
    main()
