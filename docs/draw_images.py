"""Draw the pictures of the documents.

    python docs/draw_images.py

Writes docs/images/pipeline.svg, and docs/images/robustness.svg from the table of the experiment
log.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
ROBUSTNESS = DOCS / "experiments/tables/2026-11-28-robustness.csv"

BLUE, RED, GRAY, INK, PALE = "#1f6fd0", "#d62f2f", "#9aa3ad", "#1d2733", "#eef2f6"
STEPS = {  # title: what happens there
    "video": "any container that\nFFmpeg decodes",
    "faces": "SSD300, every\n3rd frame",
    "crops": "of the frame as it\nwas filmed, 240 px",
    "classifier": "3 networks,\nmean logit",
    "tracks": "each face over time,\nusable frames only",
    "verdict": "calibrated on\nvalidation videos",
}
WIDTH, GAP = 1.5, 0.55
CHANGES = {  # of the table: title of the panel, label of its axis
    "H.264 CRF": ("H.264 compression", "CRF"),
    "scale": ("smaller frames", "scale"),
    "blur, sigma in px": ("blur", "sigma, px"),
    "noise, sigma of 255": ("noise", "sigma of 255"),
}
UNCHANGED_AT = {"scale": 1.0}  # elsewhere no change is at 0, and of the codec there is none
METRICS = {"map_50": ("mAP", BLUE), "score_auc": ("video AUC", RED)}


def main() -> None:
    plt.rcParams.update({"svg.hashsalt": "documents", "font.size": 10, "text.color": INK})
    save(draw_pipeline(), "pipeline")
    save(draw_robustness(pd.read_csv(ROBUSTNESS)), "robustness")


def save(figure: plt.Figure, name: str) -> None:
    """Write an SVG that is the same each time."""
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def draw_pipeline() -> plt.Figure:
    """Draw how a video becomes a verdict, from left to right."""
    figure, axes = plt.subplots(figsize=(12, 2.7))
    right = len(STEPS) * (WIDTH + GAP) - GAP
    axes.set(xlim=(-0.1, right + 0.1), ylim=(-0.75, 1.6), aspect="equal")
    axes.axis("off")
    painters = [draw_film, draw_faces, draw_crops, draw_networks, draw_tracks, draw_verdict]
    for number, ((title, note), paint) in enumerate(zip(STEPS.items(), painters, strict=True)):
        left = number * (WIDTH + GAP)
        draw_box(axes, (left, 0), (WIDTH, 1.1), "white", GRAY)
        paint(axes, left)
        axes.text(left + WIDTH / 2, 1.24, title, ha="center", va="bottom", weight="bold", size=12)
        axes.text(left + WIDTH / 2, -0.14, note, ha="center", va="top", size=9, color="#4a5663")
        if number:
            ends = (left - GAP + 0.07, 0.55), (left - 0.07, 0.55)
            style = {"arrowstyle": "-|>", "mutation_scale": 15, "color": INK, "linewidth": 1.6}
            axes.add_patch(FancyArrowPatch(*ends, **style))
    return figure


def draw_film(axes: plt.Axes, left: float) -> None:
    for shift in (0.3, 0.15, 0.0):
        axes.add_patch(
            Rectangle((left + 0.18 + shift, 0.15 + shift * 0.9), 0.85, 0.55, fc=PALE, ec=INK, lw=1)
        )
    draw_head(axes, left + 0.48, 0.42, 0.13)
    draw_head(axes, left + 0.8, 0.4, 0.1)


def draw_faces(axes: plt.Axes, left: float) -> None:
    axes.add_patch(Rectangle((left + 0.12, 0.14), 1.26, 0.82, fc=PALE, ec=INK, lw=1))
    for x, y, radius in ((0.48, 0.56, 0.19), (1.03, 0.52, 0.14)):
        draw_head(axes, left + x, y, radius)
        corner = (left + x - radius * 1.25, y - radius * 1.5)
        axes.add_patch(Rectangle(corner, radius * 2.5, radius * 3, fill=False, ec=INK, lw=1.8))


def draw_crops(axes: plt.Axes, left: float) -> None:
    for x in (0.12, 0.8):
        axes.add_patch(Rectangle((left + x, 0.26), 0.58, 0.58, fc=PALE, ec=INK, lw=1))
        draw_head(axes, left + x + 0.29, 0.57, 0.2)


def draw_networks(axes: plt.Axes, left: float) -> None:
    for number in range(3):
        low = 0.1 + number * 0.32
        corners = [(0.3, low), (0.3, low + 0.26), (0.95, low + 0.2), (0.95, low + 0.06)]
        axes.add_patch(Polygon([(left + x, y) for x, y in corners], fc=PALE, ec=INK, lw=1))
        axes.plot([left + 0.95, left + 1.2], [low + 0.13, 0.55], color=INK, lw=1)
    axes.add_patch(Circle((left + 1.22, 0.55), 0.07, fc=RED, ec=INK, lw=1, zorder=3))


def draw_tracks(axes: plt.Axes, left: float) -> None:
    scores = ([0, 0, 1, 0, 0, 0], [1, 1, 1, 0, 1, 1])
    for row, (name, colors) in enumerate(zip(("face 1", "face 2"), scores, strict=True)):
        low = 0.66 - row * 0.44
        axes.text(left + 0.12, low + 0.22, name, size=7.5, va="bottom")
        for number, is_fake in enumerate(colors):
            corner = (left + 0.12 + number * 0.21, low)
            color = RED if is_fake else BLUE
            axes.add_patch(Rectangle(corner, 0.19, 0.17, fc=color, ec="white", lw=0.5))


def draw_verdict(axes: plt.Axes, left: float) -> None:
    answers = {"likely fake": RED, "cannot tell": GRAY, "likely real": BLUE}
    for number, (answer, color) in enumerate(answers.items()):
        low, is_given = 0.76 - number * 0.32, number == 0
        corner, size = (left + 0.17, low), (WIDTH - 0.34, 0.2)
        draw_box(axes, corner, size, color if is_given else "white", color)
        style = {"color": "white", "weight": "bold"} if is_given else {"color": color}
        axes.text(left + WIDTH / 2, low + 0.1, answer, ha="center", va="center", size=9, **style)


def draw_box(axes: plt.Axes, corner: tuple, size: tuple, face: str, edge: str) -> None:
    """Draw a box with round corners."""
    style = {"boxstyle": "round,pad=0.02,rounding_size=0.07", "fc": face, "ec": edge, "lw": 1.2}
    axes.add_patch(FancyBboxPatch(corner, *size, **style))


def draw_head(axes: plt.Axes, x: float, y: float, radius: float) -> None:
    """Draw a head with its center at x, y."""
    axes.add_patch(Circle((x, y), radius, fc="#f3d9c4", ec=INK, lw=0.9))
    for side in (-0.38, 0.38):
        axes.add_patch(Circle((x + side * radius, y + 0.18 * radius), 0.1 * radius, fc=INK))
    axes.plot([x - 0.35 * radius, x + 0.35 * radius], [y - 0.42 * radius] * 2, color=INK, lw=1)


def draw_robustness(table: pd.DataFrame) -> plt.Figure:
    """Draw the metrics over the strength of each change, with their 95 % intervals."""
    unchanged = table[table["change"] == "unchanged"].iloc[0]
    figure, panels = plt.subplots(1, len(CHANGES), figsize=(12, 3), sharey=True)
    for axes, (change, (title, label)) in zip(panels, CHANGES.items(), strict=True):
        rows = table[table["change"] == change]
        if not change.startswith("H.264"):
            start = unchanged.to_frame().T.assign(value=UNCHANGED_AT.get(change, 0.0))
            rows = pd.concat([start, rows]).infer_objects()
        rows = rows.sort_values("value")
        strength = rows["value"].astype(float)
        for metric, (name, color) in METRICS.items():
            low, high = (rows[f"{metric}_ci95_{end}"].astype(float) for end in ("low", "high"))
            axes.fill_between(strength, low, high, color=color, alpha=0.15, lw=0)
            axes.plot(strength, rows[metric].astype(float), "o-", color=color, label=name, ms=4)
        axes.axhline(0.5, color=GRAY, ls=":", lw=1)
        axes.set(title=title, xlabel=label, ylim=(0.2, 1.02))
        if change == "scale":
            axes.invert_xaxis()
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(loc="lower left", frameon=False)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    main()
