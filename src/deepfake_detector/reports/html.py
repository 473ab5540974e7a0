"""The report on a video: one HTML file that needs no other, with every name in it escaped."""

import base64
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, StrictUndefined

from deepfake_detector.faces.online_tracker import LONGEST_GAP_FRAMES
from deepfake_detector.plots.style import figure_to_png
from deepfake_detector.plots.time_line import Line, draw_heat, draw_time_line
from deepfake_detector.reports.annotated_video import PickedFaces
from deepfake_detector.reports.highlights import Pick

TEMPLATE = Path(__file__).with_name("report.html")
MOST_TRACKS = 20
"""Faces in the report's table."""


def make_page(
    record: dict,
    strips: dict[str, list[Pick]],
    picked: PickedFaces,
    heat_maps: list[tuple[str, np.ndarray, np.ndarray]],
) -> str:
    """Make the report as the text of an HTML file.

    Args:
        record: what verdict.json holds.
        strips: picked faces by the title of their strip.
        picked: their pictures.
        heat_maps: title, face [height, width, 3] and evidence [G, G] of each.
    """
    by_length = sorted(record["tracks"], key=lambda track: -len(track["time_line"]))
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    time_line = draw_time_line(_list_lines(record), record["seconds"])
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        record=record,
        shown_tracks=sorted(by_length[:MOST_TRACKS], key=lambda track: track["track"]),
        images={"time_line": _to_address(figure_to_png(time_line), "png")},
        strips=[(title, _list_strip(picks, record, picked)) for title, picks in strips.items()],
        heat_maps=[
            {"title": title, "image": _to_address(figure_to_png(draw_heat(*parts)), "png")}
            for title, *parts in heat_maps
        ],
    )


def _list_lines(record: dict) -> list[Line]:
    frames = max(record["frames"]["read"] - 1, 1)
    looks_apart = 2 * record["frames"]["every"]
    gap_seconds = max(LONGEST_GAP_FRAMES, looks_apart) * record["seconds"] / frames
    return [
        Line(
            f"face {track['track']}: {track['verdict']}",
            *(
                np.array([row[name] for row in track["time_line"]])
                for name in ("seconds", "fake_share", "fake_share_smoothed", "counts")
            ),
            gap_seconds=gap_seconds,
        )
        for track in record["tracks"]
    ]


def _list_strip(picks: list[Pick], record: dict, picked: PickedFaces) -> list[dict]:
    seconds = {
        (track["track"], row["frame"]): row["seconds"]
        for track in record["tracks"]
        for row in track["time_line"]
    }
    return [
        {
            "image": crop_to_address(picked.crops[pick.track, pick.frame]),
            "track": pick.track,
            "seconds": seconds[pick.track, pick.frame],
            "fake_share": pick.fake_share,
        }
        for pick in picks
    ]


def crop_to_address(crop: np.ndarray) -> str:
    """Give a picture, uint8 RGB [height, width, 3], as an address that holds it."""
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))[1]
    return _to_address(jpeg.tobytes(), "jpeg")


def _to_address(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
