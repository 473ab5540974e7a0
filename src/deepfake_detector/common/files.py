"""Files that appear when they are complete, and their hashes."""

import hashlib
import json
import os
import platform
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNFINISHED_PREFIX = ".unfinished_"
"""How the name of a file begins while it is written; what a killed process left can be deleted."""


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path, whose file replaces `path` when the block ends without an error.

    The temporary file lies in the same folder, which is made, has the same ending, and a name
    that no other process uses, on other machines that see the folder neither. After an error it is
    deleted, and `path` is what it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = zlib.crc32(platform.node().encode())  # containers often count processes from 1
    unfinished = path.with_name(f"{UNFINISHED_PREFIX}{machine:08x}_{os.getpid()}_{path.name}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file, which appears when it is complete."""
    with replace_file(path) as unfinished:
        unfinished.write_bytes(content)


def write_text(text: str, path: Path) -> None:
    """Write a text file as UTF-8, line ends as they are; it appears when it is complete.

    What cannot stand in UTF-8, as in the name of a file that is no text, is written as `\\udcff`.
    """
    write_bytes(text.encode(errors="backslashreplace"), path)


def write_json(values: Any, path: Path) -> None:
    """Write values as JSON, which appears when it is complete."""
    write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", path)


def hash_file(path: Path) -> str:
    """Compute the SHA-256 of a file's content, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
