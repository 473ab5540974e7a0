"""One look for all drawings. Colours are told apart by people who do not see red and green.

Figures are objects of their own: nothing here touches Matplotlib's global state.
"""

import io
from pathlib import Path

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from deepfake_detector.common.files import replace_file

COLORS = {"real": "#1f6fd0", "fake": "#d62f2f", "class_agnostic": "#555555"}
"""By label, as on the pictures."""

WORDS = {"class_agnostic": "any face (location only)"}
"""How a label is called where its name is not clear enough."""

RC = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "axes.axisbelow": True,
    "lines.linewidth": 2,
}


def make_figure(rows: int, columns: int, size_inches: tuple[float, float]):
    """Make a figure with a grid of axes: the figure and an array [rows, columns] of axes."""
    with rc_context(RC):
        figure = Figure(size_inches, layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, squeeze=False)


def set_title(figure: Figure, title: str, subject: str) -> None:
    """Write what a figure shows, and below it what was measured on, at the left edge."""
    figure.suptitle(f"{title}\n{subject}", x=0.01, ha="left", fontsize=11)


def save_figure(figure: Figure, path: Path) -> None:
    """Save as PNG, complete or not at all, the same bytes each time."""
    with replace_file(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=120, metadata={"Software": None})


def figure_to_png(figure: Figure) -> bytes:
    """Give a figure as the content of a PNG file, the same bytes each time."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100, metadata={"Software": None})
    return content.getvalue()
