"""One boundary for files that others made: whatever a library raises becomes a rejection.

A rejection is a `ValueError` that names the file, what is wrong with it and what to do. Trouble of
the machine (a full disk, too many open files, no permission) says nothing about the file: it
stays an `OSError` and ends the run.
"""

import errno
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2

_MACHINE_ERRNOS = frozenset(
    number
    for name in (
        *("ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENFILE", "EACCES", "EPERM", "EBUSY"),
        *("ESTALE", "ENODEV", "ENXIO", "ENETDOWN", "ETIMEDOUT", "EIO"),
    )
    if (number := getattr(errno, name, None)) is not None
)
"""Errors that need not be about a file's content: decoders use some of these numbers, too.

Where the file can be read to its end, it is the content."""

_REMEDY = "copy or encode it again"

_CONTENT_ERRORS = (
    *(av.error.FFmpegError, cv2.error, ValueError, LookupError, ArithmeticError),
    *(EOFError, MemoryError, NotImplementedError, TypeError, AttributeError),
)
"""What PyAV, OpenCV and NumPy raise on damaged input, seen or possible."""

_CHUNK_BYTES = 1 << 20


class RejectedFileError(ValueError):
    """A file that cannot be used: the message names it, the reason and the remedy."""


class LimitError(RejectedFileError):
    """A file over a limit: none of it is used, however much could be read."""


@contextmanager
def reading(path: Path, describe: Callable[[], str] = lambda: "cannot be read") -> Iterator[None]:
    """Turn what a library raises while it reads a file into a rejection of this file.

    Rejections pass as they are.

    Args:
        describe: called after an error: what went wrong, before the library's words.

    Raises:
        RejectedFileError: the content is damaged, or takes more memory than there is.
        OSError: trouble of the machine.
    """
    try:
        yield
    except RejectedFileError:
        raise
    except _CONTENT_ERRORS as error:
        number = getattr(error, "errno", None) if isinstance(error, av.error.FFmpegError) else None
        if number in _MACHINE_ERRNOS and not _is_readable(path):
            raise OSError(number, error.strerror, show_name(path)) from error
        reason = f"{describe()} ({_describe(error)})"
        raise RejectedFileError(f"{show_name(path)}: {reason}; {_REMEDY}") from error


def check_regular_file(path: Path) -> None:
    """Check that a path is a file with something in it, before anything opens it.

    Raises:
        RejectedFileError: a folder, a pipe, a device, a link to nothing, or an empty file.
        FileNotFoundError: there is no such file.
        OSError: trouble of the machine.
    """
    name = show_name(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise RejectedFileError(f"{name}: a link to a file that is not there") from None
        raise
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ELOOP, errno.ENAMETOOLONG):
            raise
        raise RejectedFileError(f"{name}: no name of a file ({error}); rename it") from error
    if stat.S_ISDIR(status.st_mode):
        raise RejectedFileError(f"{name}: a folder; name the files in it")
    if not stat.S_ISREG(status.st_mode):
        raise RejectedFileError(f"{name}: a pipe or a device; copy its content into a file")
    if status.st_size == 0:
        raise RejectedFileError(f"{name}: empty file (0 bytes); copy it again")


def show_name(path: Path) -> str:
    """Return a file's name as text that can be written as UTF-8 and stands on one line."""
    return _show(path.name)


def show_path(path: Path) -> str:
    """Return a path as `show_name` does a name."""
    return _show(str(path))


def _show(name: str) -> str:
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if text.isprintable() else repr(text)[1:-1]


def _describe(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it takes more memory than there is"
    text = error.strerror if isinstance(error, av.error.FFmpegError) else str(error)
    lines = (text or type(error).__name__).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _is_readable(path: Path) -> bool:
    """Tell whether a file can be read to its end."""
    try:
        with path.open("rb") as file:
            while file.read(_CHUNK_BYTES):
                pass
    except OSError:
        return False
    return True
