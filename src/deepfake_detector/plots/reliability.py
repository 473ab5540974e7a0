"""Pictures of verdicts: what was said beside what came true."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from deepfake_detector.plots.style import COLORS, make_figure, set_title


def draw_reliability(
    bins: pd.DataFrame, videos: pd.DataFrame, bounds: tuple[float, float], subject: str
) -> Figure:
    """Draw the share of fakes over the probability, and below it every video.

    Args:
        bins: `probability, fake_score, videos`.
        videos: `probability, label`, of those with both.
        bounds: highest probability of likely real, lowest of likely fake.
        subject: what was measured on, for the title.
    """
    figure, [[upper], [lower]] = make_figure(2, 1, (6.4, 7.4))
    upper.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1.5)
    upper.text(
        0.05, 0.07, "what was said comes true", rotation=45, fontsize=10, rotation_mode="anchor",
        transform_rotates_text=True,
    )  # fmt: skip
    upper.plot(bins["probability"], bins["fake_score"], color=COLORS["class_agnostic"], marker="o")
    for row in bins.itertuples():
        upper.annotate(
            f"{row.videos}", (row.probability, row.fake_score), (8, -14),
            textcoords="offset points", fontsize=9,
        )  # fmt: skip
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.08, 1.05), ylabel="share that is fake")
    _draw_videos(lower, videos)
    lower.set(xlim=(-0.02, 1.02), ylim=(-0.6, 1.6), xlabel="probability of fake")
    for axes in (upper, lower):
        axes.axvspan(*bounds, color="#eeeeee", zorder=0)
    lower.text(np.mean(bounds), 1.45, "cannot tell", ha="center", va="center", fontsize=10)
    set_title(figure, "Are probabilities true? (number of videos at each point)", subject)
    return figure


def _draw_videos(axes, videos: pd.DataFrame) -> None:
    for place, label in enumerate(("real", "fake")):
        said = np.sort(videos.loc[videos["label"] == label, "probability"])
        spread = 0.25 * (np.arange(len(said)) % 3 - 1)  # so that neighbours do not hide each other
        axes.plot(said, place + spread, "o", color=COLORS[label], alpha=0.7, markersize=6)
    axes.set_yticks([0, 1], ["real", "fake"])
    axes.grid(visible=False, axis="y")
