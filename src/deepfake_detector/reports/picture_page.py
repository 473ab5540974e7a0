"""A page of pictures to check by eye: one HTML file that needs no other, names in it escaped."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from deepfake_detector.common.files import write_text

TEMPLATE = Path(__file__).with_name("picture_page.html")


@dataclass(frozen=True)
class PictureRow:
    """A row of the page: its heading, what there is to say, JPEG images with their captions."""

    heading: str
    note: str
    pictures: list[tuple[str, bytes]] = field(default_factory=list)
    is_marked: bool = False


def write_picture_page(path: Path, title: str, notes: list[str], rows: list[PictureRow]) -> None:
    """Write the page; it appears when it is complete."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    shown = [
        {
            "heading": row.heading,
            "note": row.note,
            "is_marked": row.is_marked,
            "pictures": [
                (caption, "data:image/jpeg;base64," + base64.b64encode(jpeg).decode())
                for caption, jpeg in row.pictures
            ],
        }
        for row in rows
    ]
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    write_text(template.render(title=title, notes=notes, rows=shown), path)
