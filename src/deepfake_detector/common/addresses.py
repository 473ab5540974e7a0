"""Files and folders of results that lie elsewhere, by their fsspec address: `s3://bucket/clip.mp4`.

Anything that fsspec opens can be named; what it needs for that, such as `s3fs`, is installed by
who uses it. A `file://` address is a path of this machine.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs

from deepfake_detector.common.files import write_bytes

Place = Path | str
"""A path of this machine, or the address of something elsewhere."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
_PACKAGES |= {"sftp": "paramiko", "ssh": "paramiko", "http": "aiohttp", "https": "aiohttp"}


def parse_place(text: str) -> Place:
    """Read a path or an address, as a person types it."""
    if text.startswith("file://"):
        return Path(url_to_fs(text)[1])
    return text if _ADDRESS.match(text) else Path(text)


def name_of(place: Place) -> str:
    """Return the name of the file that lies at a place."""
    return place.name if isinstance(place, Path) else PurePosixPath(place).name


def list_address(address: str) -> list[str]:
    """List the files in the folder that an address names, in order; the address itself of a file.

    Raises:
        ValueError: it cannot be reached, or what is needed for it is not installed.
    """
    files, path = _open(address)
    with _naming(address):
        if not files.isdir(path):
            return [address]
        entries = files.ls(path, detail=True)
    return sorted(
        files.unstrip_protocol(entry["name"]) for entry in entries if entry["type"] == "file"
    )


@contextmanager
def as_local_file(place: Place) -> Iterator[Path]:
    """Yield the path of a file; one that lies elsewhere is fetched into a folder that nobody else
    can read, and removed at the end.

    Raises:
        ValueError: it cannot be fetched.
    """
    if isinstance(place, Path):
        yield place
        return
    files, path = _open(place)
    with tempfile.TemporaryDirectory(prefix="deepfake_detector_") as folder:
        local = Path(folder) / name_of(place)
        with _naming(place):
            files.get_file(path, str(local))
        yield local


class ResultFolder:
    """Where results go, here or at an address; of an address nothing is kept here."""

    def __init__(self, place: Place):
        self._place = place

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Yield a folder; what is in it at the end is in the result folder then."""
        if isinstance(self._place, Path):
            self._place.mkdir(parents=True, exist_ok=True)
            yield self._place
            return
        with tempfile.TemporaryDirectory(prefix="deepfake_detector_") as folder:
            yield Path(folder)
            for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
                self._upload(path, self._join(path.relative_to(folder).as_posix()))

    def write(self, name: str, content: bytes) -> None:
        """Write a file, which appears when it is complete."""
        if isinstance(self._place, Path):
            write_bytes(content, self._place / name)
            return
        with tempfile.TemporaryDirectory(prefix="deepfake_detector_") as folder:
            local = Path(folder) / "content"
            local.write_bytes(content)
            self._upload(local, self._join(name))

    def read(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""
        if isinstance(self._place, Path):
            path = self._place / name
            return path.read_bytes() if path.is_file() else None
        files, path = _open(self._join(name))
        with _naming(self._join(name)):
            return files.cat_file(path) if files.exists(path) else None

    def has(self, names: list[str]) -> bool:
        """Tell whether all of these files are there."""
        if isinstance(self._place, Path):
            return all((self._place / name).is_file() for name in names)
        files, _ = _open(str(self._place))
        with _naming(str(self._place)):
            return all(files.exists(_open(self._join(name))[1]) for name in names)

    def _upload(self, local: Path, address: str) -> None:
        files, path = _open(address)
        with _naming(address):
            files.makedirs(path.rpartition("/")[0], exist_ok=True)
            files.put_file(str(local), path)

    def _join(self, name: str) -> str:
        return f"{str(self._place).rstrip('/')}/{name}"


def _open(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it."""
    protocol = address.partition("://")[0]
    try:
        return url_to_fs(address)
    except ImportError as error:
        package = _PACKAGES.get(protocol, "")
        remedy = f"pip install {package}" if package else str(error)
        raise ValueError(f"{address}: needs a package that is not installed: {remedy}") from error
    except ValueError as error:
        raise ValueError(f"{address}: {error}; expected a path, or as s3://bucket/name") from error


@contextmanager
def _naming(address: str) -> Iterator[None]:
    """Turn what a storage raises into a `ValueError` that names the address."""
    try:
        yield
    except _list_storage_errors() as error:
        raise ValueError(f"{address}: {error or type(error).__name__}") from error


def _list_storage_errors() -> tuple[type[BaseException], ...]:
    botocore = sys.modules.get("botocore.exceptions")  # S3: no credentials, no connection
    return (OSError, botocore.BotoCoreError) if botocore else (OSError,)
