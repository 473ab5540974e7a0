"""Arrays in an `.npz` file at places that a program without NumPy can read them from.

An `.npz` is a ZIP of `.npy` files. Here they are not compressed and their values begin at
multiples of 64 bytes, so that an ONNX graph takes its weights out of the very file that NumPy
reads.
"""

import io
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake_detector.common.files import replace_file

_ALIGNMENT = 64
_LOCAL_HEADER = 30  # bytes before a file's name in a ZIP; APPNOTE.TXT, 4.3.7
_PADDING_ID = 0xD935  # of a field of a ZIP that holds nothing but padding, as zipalign writes it


@dataclass(frozen=True)
class ArrayPlace:
    """Where in a file an array's values lie, bytes from its start and how many, and as what."""

    offset: int
    length: int
    shape: tuple[int, ...]
    dtype: np.dtype


def write_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Write arrays as `.npz`; the same arrays give the same bytes."""
    with replace_file(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        for name, array in arrays.items():
            npy = io.BytesIO()
            np.lib.format.write_array(npy, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, whenever it is written
            begin = archive.fp.tell() + _LOCAL_HEADER + len(entry.filename.encode())
            padding = -(begin + 4) % _ALIGNMENT  # the header of an `.npy` is a multiple of 64
            entry.extra = struct.pack("<HH", _PADDING_ID, padding) + bytes(padding)
            archive.writestr(entry, npy.getvalue())


def locate_arrays(path: Path) -> dict[str, ArrayPlace]:
    """Return where the values of each array in a file of `write_arrays` lie.

    Raises:
        ValueError: an array is compressed.
    """
    places = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{path}: {entry.filename} is compressed")
            file.seek(entry.header_offset + 26)
            name_length, extra_length = struct.unpack("<HH", file.read(4))
            begin = entry.header_offset + _LOCAL_HEADER + name_length + extra_length
            file.seek(begin)
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            length = int(np.prod(shape)) * dtype.itemsize
            places[entry.filename.removesuffix(".npy")] = ArrayPlace(
                file.tell(), length, shape, dtype
            )
    return places
