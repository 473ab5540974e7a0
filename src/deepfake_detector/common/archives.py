"""ZIP files of strangers, such as a `.keras`, looked at before anything in them is read."""

import zipfile
from pathlib import Path

MAX_FILES = 10_000
"""Files in an archive: a saved model has three."""

MAX_BYTES = 4 << 30
"""Bytes of an archive's files together, unpacked: the largest model here has 0.1 GB."""

MAX_RATIO = 200
"""Bytes unpacked over bytes packed: weights hardly shrink, a bomb shrinks a thousand times."""

_SMALL_BYTES = 10 << 20  # no more than this is no bomb, however well it is packed


def check_archive_size(path: Path) -> None:
    """Check that a ZIP file is whole and can be unpacked without filling memory or disk.

    Raises:
        ValueError: not a ZIP file, cut off, damaged, or over a limit; names the file.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OverflowError) as error:
        raise ValueError(
            f"{path}: not a model of this project, or damaged ({error}); copy it again"
        ) from error
    size = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_FILES:
        raise ValueError(f"{path}: {len(entries)} files in it are over the limit, {MAX_FILES}")
    if size > MAX_BYTES or size > max(_SMALL_BYTES, MAX_RATIO * path.stat().st_size):
        raise ValueError(
            f"{path}: {size} bytes unpacked are over the limit of {MAX_BYTES} bytes, or of "
            f"{MAX_RATIO} times its size; it is no model of this project"
        )
