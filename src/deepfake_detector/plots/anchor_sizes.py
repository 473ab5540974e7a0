"""Anchors over the faces they are to fit, by width and height."""

import numpy as np
from matplotlib.figure import Figure

from deepfake_detector.plots.style import make_figure, set_title

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""One for each predictor map; further maps begin again."""

FACE_COLOR = "#9bb8d3"


def draw_anchors(
    face_sizes: np.ndarray, anchors: dict[str, list[list[tuple[float, float]]]], subject: str
) -> Figure:
    """Draw sets of anchors, one panel each, over the sizes of faces.

    Args:
        face_sizes: (width, height) [N, 2], shares of the image.
        anchors: by title, the (width, height) of a cell's anchors for each predictor map.
        subject: whose faces these are, for the title.
    """
    figure, [panels] = make_figure(1, len(anchors), (5.4 * len(anchors), 5.4))
    for axes, (title, maps) in zip(panels, anchors.items(), strict=True):
        axes.scatter(*face_sizes.T, s=6, color=FACE_COLOR, alpha=0.4, linewidths=0, label="faces")
        for number, sizes in enumerate(maps):
            label, marker = f"anchors of map {number + 1}", MARKERS[number % len(MARKERS)]
            axes.scatter(*np.transpose(sizes), s=36, marker=marker, color="black", label=label)
            axes.collections[-1].set_facecolor(f"C{number}")
        axes.set(xscale="log", yscale="log", xlabel="width, share of the image's")
        axes.set(ylabel="height, share of the image's", title=title)
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    set_title(figure, "Anchors over faces", subject)
    return figure
