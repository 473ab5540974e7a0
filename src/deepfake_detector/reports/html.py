"""The report on a video: one HTML file that needs no other, with every name in it escaped."""

import base64
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined

from deepfake_detector.faces.online_tracker import MAX_GAP_FRAMES
from deepfake_detector.plots.style import figure_to_png
from deepfake_detector.plots.time_line import Line, Part, draw_heat, draw_time_line
from deepfake_detector.reports.annotated_video import HighlightImages
from deepfake_detector.reports.highlights import Highlight
from deepfake_detector.video.images import encode_jpeg

TEMPLATE = Path(__file__).with_name("report.html")
MAX_TRACKS = 20
"""Faces in the report's table."""


def render_report(
    record: dict,
    rows_of_images: dict[str, list[Highlight]],
    highlight_images: HighlightImages,
    heat_maps: list[tuple[str, np.ndarray, np.ndarray]],
) -> str:
    """Make the report as the text of an HTML file.

    Args:
        record: what verdict.json holds.
        rows_of_images: picked faces by the title of their strip.
        highlight_images: their pictures.
        heat_maps: title, face [height, width, 3] and evidence [G, G] of each.
    """
    by_length = sorted(record["tracks"], key=lambda track: -len(track["time_line"]))
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    parts = [Part(segment["from"], segment["to"]) for segment in record["segments"]]
    time_line = draw_time_line(_list_lines(record), record["seconds"], parts)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        record=record,
        shown_tracks=sorted(by_length[:MAX_TRACKS], key=lambda track: track["track"]),
        images={"time_line": _to_address(figure_to_png(time_line), "png")},
        rows_of_images=[
            (title, _list_strip(highlights, record, highlight_images))
            for title, highlights in rows_of_images.items()
        ],
        heat_maps=[
            {"title": title, "image": _to_address(figure_to_png(draw_heat(*parts)), "png")}
            for title, *parts in heat_maps
        ],
    )


def _list_lines(record: dict) -> list[Line]:
    frames = max(record["frames"]["read"] - 1, 1)
    analyzed_apart = 2 * record["frames"]["frame_stride"]
    gap_seconds = max(MAX_GAP_FRAMES, analyzed_apart) * record["seconds"] / frames
    return [
        Line(
            f"face {track['track']}: {track['verdict']}",
            *(
                np.array([row[name] for row in track["time_line"]])
                for name in ("seconds", "fake_score", "fake_score_smoothed", "used", "classified")
            ),
            gap_seconds=gap_seconds,
        )
        for track in record["tracks"]
    ]


def _list_strip(
    highlights: list[Highlight], record: dict, highlight_images: HighlightImages
) -> list[dict]:
    seconds = {
        (track["track"], row["frame"]): row["seconds"]
        for track in record["tracks"]
        for row in track["time_line"]
    }
    return [
        {
            "image": crop_to_address(highlight_images.crops[highlight.track, highlight.frame]),
            "track": highlight.track,
            "seconds": seconds[highlight.track, highlight.frame],
            "fake_score": highlight.fake_score,
        }
        for highlight in highlights
    ]


def crop_to_address(crop: np.ndarray) -> str:
    """Give a picture, uint8 RGB [height, width, 3], as an address that holds it."""
    return _to_address(encode_jpeg(crop, 95), "jpeg")


def _to_address(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
