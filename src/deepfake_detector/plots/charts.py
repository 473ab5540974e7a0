"""Charts of an evaluation: precision-recall, F1 over the threshold, confusion matrix."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepfake_detector.plots.style import COLORS, WORDS, make_figure, set_title


def draw_precision_recall(points: pd.DataFrame, metrics: dict, subject: str) -> Figure:
    """Draw precision over recall.

    Args:
        points: `recall, precision, label`.
        metrics: `ap_real`, ... with `_ci95_low` and `_ci95_high`, for the legend.
        subject: what was measured on, for the title.
    """
    figure, [[axes]] = make_figure(1, 1, (7, 5.2))
    for label, curve in points.groupby("label", sort=False):
        name = "class_agnostic_ap_50" if label == "class_agnostic" else f"ap_{label}"
        text = f"{WORDS.get(label, label)}: AP {_to_text(metrics, name)}"
        recall = np.concatenate([[0], curve["recall"]])
        precision = np.concatenate([curve["precision"][:1], curve["precision"]])
        axes.plot(recall, precision, color=COLORS[label], label=text)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    set_title(figure, "Precision over recall (AP with 95 % interval)", subject)
    if len(points):
        place = {"loc": "upper left", "bbox_to_anchor": (0, -0.14), "borderaxespad": 0}
        axes.legend(frameon=False, **place)
    return figure


def draw_over_threshold(points: pd.DataFrame, threshold: float, subject: str) -> Figure:
    """Draw F1 over the threshold of the score, and where `predict` has its threshold."""
    figure, [[axes]] = make_figure(1, 1, (7, 4.6))
    for label, curve in points.groupby("label", sort=False):
        text = WORDS.get(label, label)
        axes.plot(curve["threshold"], curve["f1"], color=COLORS[label], label=text)
    axes.axvline(threshold, color="black", linestyle=":", linewidth=1.5)
    axes.text(threshold, 1.03, f"predict: {threshold:g}", ha="center", va="bottom", fontsize=10)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="threshold of the score", ylabel="F1")
    set_title(figure, "F1 over the threshold of the score", subject)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def draw_confusion(table: pd.DataFrame, threshold: float, subject: str) -> Figure:
    """Draw counts of annotated faces by what they were called, with shares of each row.

    Args:
        table: `annotated, called, faces`.
    """
    names = ["real", "fake", "nothing"]
    counts = table.pivot_table(index="annotated", columns="called", values="faces", aggfunc="sum")
    counts = counts.reindex(index=names, columns=names).to_numpy(float)  # NaN: nothing, nothing
    fractions = counts / np.maximum(np.nansum(counts, axis=1, keepdims=True), 1)
    figure, [[axes]] = make_figure(1, 1, (6.4, 5.2))
    axes.imshow(np.nan_to_num(fractions), cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    for row, column in np.ndindex(counts.shape):
        if not np.isnan(counts[row, column]):
            text = f"{counts[row, column]:,.0f}\n{fractions[row, column]:.0%}"
            color = "white" if fractions[row, column] > 0.55 else "black"
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=13)
    axes.set_xticks(range(3), ["real", "fake", "nothing\n(missed)"])
    axes.set_yticks(range(3), ["real", "fake", "nothing\n(false alarm)"])
    axes.set(xlabel="called", ylabel="annotated")
    axes.tick_params(length=0)
    set_title(
        figure, f"What faces were called (score {threshold:g} or more; % of the row)", subject
    )
    return figure


def _to_text(metrics: dict, name: str) -> str:
    """Give `0.812 (0.700 to 0.900)`, without the interval where there is none."""
    value, low, high = (
        metrics.get(f"{name}{side}", np.nan) for side in ("", "_ci95_low", "_ci95_high")
    )
    if np.isnan(value):
        return "n/a"
    return f"{value:.3f}" if np.isnan(low) else f"{value:.3f} ({low:.3f} to {high:.3f})"
