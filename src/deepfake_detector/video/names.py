"""Names of videos: which are safe, and which file a name in an annotation means."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

_MAX_BYTES = 200  # file systems allow 255, and shards add an ending


def check_video_name(name: str) -> None:
    """Reject a name that is not a plain file name.

    Raises:
        ValueError: it is empty, hidden, too long, names a folder, or holds control characters.
    """
    if not name or name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
        raise ValueError(
            f"unsafe video name {name!r}: expected a plain file name; rename the video and its "
            "annotations"
        )
    if len(name.encode()) > _MAX_BYTES:
        raise ValueError(f"video name {name[:40]!r}... is over {_MAX_BYTES} bytes; shorten it")


_LEFT_BY_SYSTEMS = frozenset(["thumbs.db", "desktop.ini"])


def is_left_by_system(name: str) -> bool:
    """Tell whether a file is hidden, or one that systems leave in folders of pictures."""
    return name.startswith(".") or name.lower() in _LEFT_BY_SYSTEMS


def list_files(folder: Path) -> list[Path]:
    """List what lies in a folder, in order, but folders, hidden files and what systems leave.

    Pipes and links to nothing are listed, so that they are rejected by name.
    """
    return sorted(
        path for path in folder.iterdir() if not (path.is_dir() or is_left_by_system(path.name))
    )


class VideoNames:
    """The videos that are there, found by file name or, where that is unique, by its stem."""

    def __init__(self, names: Iterable[str]):
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for name in sorted(names):
            self._by_name.setdefault(_normalize(name), []).append(name)
            self._by_stem.setdefault(_stem(_normalize(name)), []).append(name)

    def find(self, name: str) -> str:
        """Give the file name of the video that is meant by a file name or a stem.

        Raises:
            ValueError: unsafe name, no such video, or several.
        """
        check_video_name(name)
        wanted = _normalize(name)
        candidates = (
            self._by_name.get(wanted, []),
            self._by_stem.get(wanted, []),
            self._by_stem.get(_stem(wanted), []),
        )
        for found in candidates:
            if len(found) == 1:
                return found[0]
            if found:
                raise ValueError(f"{name!r} may mean {' or '.join(found)}; rename one of them")
        raise ValueError(f"there is no video {name!r} in data/videos; copy it there")


def _normalize(name: str) -> str:
    return unicodedata.normalize("NFC", name)  # macOS stores accents apart from their letters


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
