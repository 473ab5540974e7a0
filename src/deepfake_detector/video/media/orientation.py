"""How a file asks to be turned and mirrored before it is shown: eight ways, for video and image.

Videos carry a display matrix (ISO 14496-12, 8.3.2), images an EXIF orientation (tag 0x0112).
"""

from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type


@dataclass(frozen=True)
class Orientation:
    """Swap rows with columns first, then mirror."""

    swaps_axes: bool = False
    flips_columns: bool = False
    flips_rows: bool = False


EXIF_ORIENTATIONS = {
    1: Orientation(),
    2: Orientation(flips_columns=True),
    3: Orientation(flips_columns=True, flips_rows=True),
    4: Orientation(flips_rows=True),
    5: Orientation(swaps_axes=True),
    6: Orientation(swaps_axes=True, flips_columns=True),
    7: Orientation(swaps_axes=True, flips_columns=True, flips_rows=True),
    8: Orientation(swaps_axes=True, flips_rows=True),
}
"""By the value of the tag; other values are taken for 1, as viewers do."""


def orient(image: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Return an image [H, W, ...] as it is shown: [W, H, ...] where the axes are swapped."""
    if orientation.swaps_axes:
        image = image.swapaxes(0, 1)
    rows = slice(None, None, -1 if orientation.flips_rows else 1)
    columns = slice(None, None, -1 if orientation.flips_columns else 1)
    return np.ascontiguousarray(image[rows, columns])


def read_orientation(frame: av.VideoFrame) -> Orientation:
    """Read how a player turns and mirrors a frame; an angle between is rounded to a quarter."""
    content = frame.side_data.get(Type.DISPLAYMATRIX)
    if content is None:
        return Orientation()
    return matrix_to_orientation(np.frombuffer(content, np.int32))


def matrix_to_orientation(matrix: np.ndarray) -> Orientation:
    """Read a display matrix [9]: x' = a x + c y, y' = b x + d y; a, b at 0, 1, c, d at 3, 4."""
    a, b, c, d = (int(matrix[place]) for place in (0, 1, 3, 4))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)
