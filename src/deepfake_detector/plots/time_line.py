"""How fake each face of a video looks over time, and where on a face the evidence lies."""

from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.figure import Figure

from deepfake_detector.plots.style import COLORS, make_figure

MAX_LINES = 8  # colours below; red and blue mean fake and real elsewhere
LINES = ("#333333", "#e08a00", "#4b9b3f", "#7d4fb2", "#00a0a8", "#8c6239", "#c2559b", "#999933")
HEAT_PX = 240
MIN_PART = 0.004  # of the time line; a second of ten minutes is less
MIN_SCALE = 0.02  # a change of the fake share this small is no strong colour


@dataclass(frozen=True)
class Line:
    """A face over time: seconds, fake share, its smoothed form, whether it counts, and whether the
    share is its own (a dot) or stands between those of others, each [n].

    `name` is what the legend calls it; `gap_seconds` the pause from which its line is broken.
    """

    name: str
    seconds: np.ndarray
    fake_scores: np.ndarray
    smoothed: np.ndarray
    counts: np.ndarray
    classified: np.ndarray
    gap_seconds: float


@dataclass(frozen=True)
class Part:
    """A part of a video that is marked, from and to in seconds."""

    start_seconds: float
    end_seconds: float


def draw_time_line(lines: list[Line], seconds: float, fake_parts: list[Part]) -> Figure:
    """Draw how fake faces look over `seconds` of video, the `MAX_LINES` seen longest."""
    figure, [[axes]] = make_figure(1, 1, (9, 3.4))
    _mark_parts(axes, fake_parts, MIN_PART * max(seconds, 0.1))
    longest = sorted(lines, key=lambda line: -len(line.seconds))[:MAX_LINES]
    for color, line in zip(LINES, longest, strict=False):
        good, poor = line.counts & line.classified, ~line.counts & line.classified
        axes.plot(line.seconds[good], line.fake_scores[good], ".", color=color, alpha=0.5)
        axes.plot(line.seconds[poor], line.fake_scores[poor], "x", color="#aaaaaa", markersize=4)
        breaks = np.flatnonzero(np.diff(line.seconds) > line.gap_seconds) + 1
        x, y = (np.insert(v, breaks, np.nan) for v in (line.seconds, line.smoothed))
        axes.plot(x, y, color=color, label=line.name)
    axes.axhline(0.5, color="black", linestyle=":", linewidth=1)
    end = max(seconds, 0.1)
    axes.set(xlim=(-0.01 * end, 1.01 * end), ylim=(-0.03, 1.03), xlabel="seconds")
    axes.set_ylabel("looks fake (0-1)")
    if longest:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    else:
        axes.text(end / 2, 0.55, "no face was followed", ha="center")
    return figure


def _mark_parts(axes, parts: list[Part], min_seconds: float) -> None:
    """Shade parts over the whole height, each wide enough to be seen."""
    for number, part in enumerate(parts):
        wider = max(0.0, min_seconds - (part.end_seconds - part.start_seconds)) / 2
        axes.axvspan(
            part.start_seconds - wider, part.end_seconds + wider, color=COLORS["fake"],
            alpha=0.18, linewidth=0, label=None if number else "likely fake by itself",
        )  # fmt: skip


def draw_heat(face: np.ndarray, sensitivity: np.ndarray) -> Figure:
    """Draw a face beside the same face under a map of where the evidence lies.

    Args:
        face: uint8 RGB [height, width, 3].
        sensitivity: [G, G] of `measure_occlusion`; hatched where there is no number.
    """
    figure, [[plain, mapped]] = make_figure(1, 2, (7, 3.2))
    width = max(1, round(HEAT_PX * face.shape[1] / face.shape[0]))
    picture = cv2.resize(face, (width, HEAT_PX), interpolation=cv2.INTER_LINEAR)
    scale = max(MIN_SCALE, float(np.nanmax(np.abs(sensitivity), initial=0)))
    for axes in (plain, mapped):
        axes.imshow(picture)
        axes.axis("off")
    mapped.set_facecolor("#cccccc")
    extent = (0, width, HEAT_PX, 0)
    heat = mapped.imshow(
        sensitivity, cmap="RdBu_r", vmin=-scale, vmax=scale, alpha=0.55, extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    unknown = np.repeat(np.repeat(np.isnan(sensitivity), 2, axis=0), 2, axis=1)
    if unknown.any():
        mapped.contourf(
            unknown.astype(float), levels=[0.5, 1.5], colors="none", hatches=["///"],
            extent=(0, width, 0, HEAT_PX), origin="upper",
        )  # fmt: skip
    bar = figure.colorbar(heat, ax=mapped, shrink=0.9)
    bar.set_label("speaks for real | for fake", color=COLORS["class_agnostic"], fontsize=9)
    return figure
