"""A folder that appears when it is complete, and the digests of what is in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepfake_detector.common.files import hash_file, write_text

CHECKSUMS = "SHA256SUMS"


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder to write to, which takes the place of `folder` when all went well."""
    unfinished, former = (folder.with_name(f".{folder.name}.{n}") for n in ("unfinished", "old"))
    for left_over in (unfinished, former):
        shutil.rmtree(left_over, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        if folder.exists():
            folder.rename(former)
        unfinished.rename(folder)
        shutil.rmtree(former, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every other file in a folder, as `sha256sum -c` reads them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    lines = [f"{hash_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    write_text("".join(lines), folder / CHECKSUMS)
