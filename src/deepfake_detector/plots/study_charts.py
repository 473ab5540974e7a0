"""Charts of a search: its course, what mattered, and where the good trials lie."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepfake_detector.plots.style import make_figure, set_title

STATES = {"complete": "#1f6fd0", "pruned": "#e0992f", "fail": "#d62f2f"}
ORIGINS = {"default": "D", "fitted": "s"}
"""Markers of the trials that were not sampled."""


def draw_history(trials: pd.DataFrame, subject: str) -> Figure:
    """Draw each trial's objective, and the best so far.

    Args:
        trials: `trial, state, origin, objective`, in order.
        subject: the study, for the title.
    """
    figure, [[axes]] = make_figure(1, 1, (8, 4.8))
    for state, color in STATES.items():
        of_state = trials[trials["state"] == state]
        axes.scatter(of_state["trial"], of_state["objective"], color=color, label=state)
    for origin, marker in ORIGINS.items():
        these = trials[trials["origin"] == origin]
        style = {"s": 130, "facecolors": "none", "edgecolors": "black", "marker": marker}
        axes.scatter(these["trial"], these["objective"], label=f"{origin} values", **style)
    complete = trials[trials["state"] == "complete"]
    best = complete["objective"].cummax()
    axes.step(complete["trial"], best, where="post", color="#888888", label="best so far")
    axes.set(xlabel="trial", ylabel="objective")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    set_title(figure, "Course of the search", subject)
    return figure


def draw_importance(fractions: pd.Series, subject: str) -> Figure:
    """Draw how much the result depends on each parameter; fractions, largest first."""
    figure, [[axes]] = make_figure(1, 1, (8, 1.6 + 0.34 * max(len(fractions), 1)))
    fractions = fractions[::-1]
    bars = axes.barh(
        [shorten(name) for name in fractions.index], fractions, color=STATES["complete"]
    )
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set(xlabel="importance (PED-ANOVA)")
    if fractions.empty:
        write_instead(axes, "too few trials came to the end")
    set_title(figure, "What mattered", subject)
    return figure


def draw_parallel(trials: pd.DataFrame, entries: list[str], subject: str) -> Figure:
    """Draw each trial that came to the end as a line through its values, good ones dark.

    Args:
        trials: `state, objective` and the columns `entries`.
    """
    figure, [[axes]] = make_figure(1, 1, (max(8, 1.25 * len(entries)), 5.4))
    complete = trials[trials["state"] == "complete"].sort_values("objective")
    ranks = complete["objective"].rank(pct=True)
    places = np.stack([_place(complete[name]) for name in entries], axis=1)  # [trials, entries]
    for values, rank in zip(places, ranks, strict=True):
        color = (0.05, 0.3, 0.7, 0.15 + 0.85 * rank**2)
        axes.plot(range(len(entries)), values, color=color, linewidth=1 + 1.5 * rank)
    axes.set_xticks(range(len(entries)), [shorten(name) for name in entries], rotation=35)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")
    axes.set(yticks=[0, 1], ylim=(-0.05, 1.05))
    axes.set_yticklabels(["lowest or\nfirst", "highest or\nlast"])
    if complete.empty:
        write_instead(axes, "no trial has come to the end")
    set_title(figure, "Values of the trials; the darker, the better the objective", subject)
    return figure


def draw_slices(trials: pd.DataFrame, entries: list[str], subject: str) -> Figure:
    """Draw the objective over each parameter by itself, one panel each."""
    rows, columns = -(-len(entries) // 4), min(4, len(entries))
    figure, panels = make_figure(rows, columns, (3.4 * columns, 2.9 * rows))
    for axes, name in zip(panels.flat, entries, strict=False):
        for state in ("complete", "pruned"):
            these = trials[(trials["state"] == state) & trials[name].notna()]
            values = these[name] if _is_number(trials[name]) else these[name].astype(str)
            axes.scatter(values, these["objective"], s=22, color=STATES[state], label=state)
        if _spans_decades(trials[name]):
            axes.set_xscale("log")
        axes.set_title(shorten(name), fontsize=10)
        if not _is_number(trials[name]):
            axes.tick_params(axis="x", labelrotation=20, labelsize=7)
    for axes in panels.flat[len(entries) :]:
        axes.set_visible(False)
    panels.flat[0].legend(frameon=False, fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel("objective")
    set_title(figure, "One parameter at a time", subject)
    return figure


def shorten(name: str) -> str:
    """Shorten a dotted name to what tells it from the others."""
    parts = name.removeprefix("detector.").removeprefix("train.").split(".")
    return ".".join(parts[-2:])


def write_instead(axes: Axes, text: str) -> None:
    """Write why there is nothing to see."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def _place(column: pd.Series) -> np.ndarray:
    """Place values between 0 and 1: numbers by size, others by the order of their texts."""
    if not _is_number(column):
        column = column.astype(str).astype("category").cat.codes
    values = column.to_numpy(float)
    if _spans_decades(column):
        values = np.log(values)
    span = np.nanmax(values) - np.nanmin(values) if len(values) else 0
    return (values - np.nanmin(values)) / span if span else np.full(len(values), 0.5)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)


def _spans_decades(column: pd.Series) -> bool:
    """Tell whether numbers spread so far that they were searched by their logarithms."""
    return bool(_is_number(column) and column.min() > 0 and column.max() / column.min() > 20)
