"""Charts of a training: losses, average precision and learning rate per epoch."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deepfake_detector.plots.style import COLORS, make_figure

TRAIN, VALIDATION = "#8a8a8a", "#111111"


def draw_training(history: pd.DataFrame, objective: str) -> Figure:
    """Draw `history.csv`: one row per epoch.

    Args:
        objective: the column whose highest value the kept epoch has.
    """
    figure, [[losses, parts], [precision, rate]] = make_figure(2, 2, (11, 7.2))
    epoch = history["epoch"]
    losses.plot(epoch, history["train_loss"], "o-", color=TRAIN, label="train")
    losses.plot(epoch, history["validation_loss"], "o-", color=VALIDATION, label="validation")
    losses.set_title("Loss")
    for part, style in (("box", "--"), ("class", "-")):
        for split, color in (("train", TRAIN), ("validation", VALIDATION)):
            values = history[f"{split}_{part}_loss"]
            parts.plot(epoch, values, style, marker="o", color=color, label=f"{part}, {split}")
    parts.set_title("Loss by part")
    _draw_precision(precision, history, objective)
    rate.plot(epoch, history["learning_rate"], "o-", color=VALIDATION)
    rate.set_title("Learning rate at the end of the epoch")
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    for axes in (losses, parts, rate):
        axes.set_ylim(bottom=0)
    for axes in (losses, parts, precision):
        axes.legend(fontsize=10, frameon=False, loc="best")
    for axes in figure.axes:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in figure.axes:
        for line in axes.lines:
            line.set_markersize(4)
    return figure


def _draw_precision(axes, history: pd.DataFrame, objective: str) -> None:
    for label in ("real", "fake"):
        values = history[f"validation_ap_{label}"]
        axes.plot(history["epoch"], values, "o-", color=COLORS[label], label=f"AP {label}")
    for column, name, style in (
        ("validation_map_50", "mAP@0.50", "o-"),
        ("validation_map_50_95", "mAP@0.50:0.95", "o--"),
        ("validation_class_agnostic_ap_50_95", "class-agnostic AP@0.50:0.95", "o:"),
    ):
        axes.plot(history["epoch"], history[column], style, color=VALIDATION, label=name)
    values = history[objective]
    if values.notna().any():
        best = history["epoch"][values.idxmax()]
        kept = f"kept: epoch {best}, {values.max():.3f}"
        axes.axvline(best, color=VALIDATION, linestyle=":", lw=1.5, label=kept)
    axes.set_ylim(0, 1.02)
    axes.set_title("Average precision on validation")
