"""Sheets of example frames with what was found on them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from deepfake_detector.plots.style import make_figure

COLUMNS = 4
CELL_INCHES = 3.4


def draw_sheet(pictures: Sequence[np.ndarray], captions: Sequence[str], title: str) -> Figure:
    """Draw pictures of any size in a grid, each under its caption.

    Args:
        pictures: uint8 RGB [height, width, 3].
    """
    columns = min(COLUMNS, max(1, len(pictures)))
    rows = max(1, -(-len(pictures) // columns))
    tallest = max((p.shape[0] / p.shape[1] for p in pictures), default=0.3)
    height = rows * (CELL_INCHES * min(tallest, 1.3) + 0.6) + 0.7
    figure, grid = make_figure(rows, columns, (max(columns, 2) * CELL_INCHES, height))
    for axes in grid.flat:
        axes.axis("off")
        axes.set_anchor("N")
    for axes, picture, caption in zip(grid.flat, pictures, captions, strict=False):
        axes.imshow(picture, interpolation="lanczos", aspect="equal")
        axes.set_title(caption, fontsize=9.5, loc="left")
    figure.suptitle(title if len(pictures) else f"{title}\nno frames to show", x=0.01, ha="left")
    return figure
