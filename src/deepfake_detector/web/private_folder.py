"""The folder of uploads and results, which is gone when the program is, however that ends.

SIGTERM and SIGHUP end the program as Ctrl-C does. What a killed program left is deleted by the
next one: a lock, which the system takes away with the process, tells whose owner still runs.
"""

import contextlib
import fcntl
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "deepfake_detector_"

_LOCK = ".lock"
_YOUNG_SECONDS = 60.0  # a folder without a lock that is younger may just be made


@contextlib.contextmanager
def open_private_folder() -> Iterator[Path]:
    """Make a folder that nobody else can read; at the end delete it and all in it.

    Raises:
        SystemExit: in the block, on SIGTERM and SIGHUP, with the exit code that shells expect.
    """
    sweep(Path(tempfile.gettempdir()))
    handlers = {
        kind: signal.signal(kind, _end_program) for kind in (signal.SIGTERM, signal.SIGHUP)
    }
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for kind, handler in handlers.items():
            signal.signal(kind, handler)


def sweep(parent: Path) -> None:
    """Delete the folders that were left by programs that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or it is gone
            if _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    if not (folder / _LOCK).is_file():
        return time.time() - folder.stat().st_mtime > _YOUNG_SECONDS
    with (folder / _LOCK).open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its owner runs
            return False
    return True


def _end_program(kind: int, _) -> None:
    raise SystemExit(128 + kind)
