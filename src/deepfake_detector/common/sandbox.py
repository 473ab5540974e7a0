"""Work on a file of a stranger in a process of its own, with a limit of time and of memory.

A decoder that runs wild takes this process with it, and nothing else. The process is a fresh
Python that imports the module of the function and what that imports; nothing of the caller's
memory, its threads or its TensorFlow is in it.
"""

import contextlib
import importlib
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).resolve().parents[2]
_LENGTH = struct.Struct("<Q")
_ITEM, _END, _ERROR = range(3)
_SENT = (
    ValueError,
    OSError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    TypeError,
    AttributeError,
)
"""Errors of a function that are raised again where it was called; others end the process."""

_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}  # else each thread reserves 128 MB of addresses


class SandboxLimitError(ValueError):
    """The work took more than it may, or its process ended otherwise than by itself."""


def run_limited(function: Callable, args: Sequence, max_seconds: float, max_bytes: int) -> Any:
    """Return `function(*args)`, computed in a process of its own.

    Args:
        function: at the top of a module; its result and `args` can be pickled.
        max_seconds: of the process, from its start.
        max_bytes: that it may take beside what Python and the module take.

    Raises:
        SandboxLimitError: over a limit, or the process crashed.
        ValueError, OSError, LookupError, RuntimeError and the like: what the function raises.
    """
    (result,) = _run(function, args, max_seconds, max_bytes, is_stream=False)
    return result


def iterate_limited(
    function: Callable, args: Sequence, max_seconds: float, max_bytes: int
) -> Iterator[Any]:
    """Yield what the generator `function(*args)` yields in a process of its own.

    The process waits while an item is not taken; it ends when the iterator is closed.

    Args, Raises:
        As `run_limited`; the waiting counts as time, too.
    """
    return _run(function, args, max_seconds, max_bytes, is_stream=True)


def _run(function, args, max_seconds: float, max_bytes: int, is_stream: bool) -> Iterator[Any]:
    call = (function.__module__, function.__qualname__, tuple(args), max_bytes, is_stream)
    receiving, sending = os.pipe()
    command = [sys.executable, "-c", "from deepfake_detector.common.sandbox import main; main()"]
    paths = [str(_SOURCE), *filter(None, sys.path)]
    environment = os.environ | _ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(
        [*command, str(sending)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, pass_fds=[sending], env=environment,
    )  # fmt: skip
    os.close(sending)
    timer = threading.Timer(max_seconds, process.kill)
    timer.start()
    try:
        with open(receiving, "rb") as results:
            with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(pickle.dumps(call))
            while (message := _receive(results)) is not None:
                kind, value = message
                if kind == _ERROR:
                    raise value
                if kind == _END:
                    return
                yield value
        raise SandboxLimitError(_say_why_it_ended(process.wait(), timer, max_seconds))
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def _say_why_it_ended(code: int, timer: threading.Timer, max_seconds: float) -> str:
    if timer.finished.is_set():
        return f"took more than {max_seconds:g} seconds, which is the limit; shorten it"
    return f"ended the process that read it (code {code}), perhaps for lack of memory"


def _receive(results) -> tuple[int, Any] | None:
    """Receive a message; None where the process ended."""
    head = results.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    content = results.read(length)
    return pickle.loads(content) if len(content) == length else None  # noqa: S301  of our own process


def main() -> None:
    """Do the work that stands on the standard input: the other side of `run_limited`."""
    with open(int(sys.argv[1]), "wb") as results:
        module, name, args, max_bytes, is_stream = pickle.loads(sys.stdin.buffer.read())  # noqa: S301
        try:
            function = importlib.import_module(module)
            for part in name.split("."):
                function = getattr(function, part)
            _limit_memory(max_bytes)
            for item in function(*args) if is_stream else [function(*args)]:
                _send(results, _ITEM, item)
            _send(results, _END, None)
        except MemoryError:
            _send(results, _ERROR, SandboxLimitError(f"takes more memory than {max_bytes} bytes"))
        except _SENT as error:
            _send(results, _ERROR, error)


def _send(results, kind: int, value: Any) -> None:
    try:
        content = pickle.dumps((kind, value), protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        content = pickle.dumps((_ERROR, ValueError(f"{value!r:.200} cannot be sent: {error}")))
    results.write(_LENGTH.pack(len(content)) + content)
    results.flush()


def _limit_memory(max_bytes: int) -> None:
    """Forbid this process more memory than it has and `max_bytes`; where the system can."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):  # Windows, macOS: the limit of time stays
        return
    limit = pages * resource.getpagesize() + max_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
