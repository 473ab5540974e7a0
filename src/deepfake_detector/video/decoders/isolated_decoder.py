"""Decoding of a stranger's file in a process of its own, with limits of memory and time.

A decoder that takes too much, or crashes on a damaged file, ends its process and rejects the file;
this process goes on. The other process is `decoder_process`. What comes from it are lines of JSON
and bytes of pixels, which are checked: nothing from it is run.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.decoding import DecodedFrame
from deepfake_detector.video.media.errors import LimitError, RejectedFileError, show_name
from deepfake_detector.video.media.limits import MAX_IMAGE_PX
from deepfake_detector.video.packets import PacketScan

_SOURCE = Path(__file__).resolve().parents[2]
_COMMAND = (sys.executable, "-m", "deepfake_detector.video.decoders.decoder_process")
_MAX_LINE_BYTES = 1 << 16
_PIPE_BYTES = 1 << 20  # the most that Linux gives; a frame crosses in few turns

_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}
"""Else each thread reserves addresses, which the limit counts."""

WANT, SKIP = b"w", b"s"
"""What is answered to each frame: its pixels are wanted, or not."""


@dataclass(frozen=True)
class DecoderLimits:
    """What a decoder's process may take.

    Attributes:
        max_bytes: of addresses; 8K in 10 bits with 16 frames at once takes 2 GB.
        max_cpu_seconds: of all its threads; ten minutes of 4K take a quarter.
        max_wait_seconds: for the next frame, or for an image.
    """

    max_bytes: int = 4 << 30
    max_cpu_seconds: int = 4 * 3600
    max_wait_seconds: float = 60.0


class IsolatedDecoder(Decoder):
    """Decodes each file in a process of its own."""

    def __init__(self, limits: DecoderLimits = DecoderLimits()):
        self._limits = limits

    def read_image(self, path: Path) -> np.ndarray:
        with _Process("image", path, self._limits) as process:
            return process.receive_image()

    def decode_image(self, content: bytes, path: Path) -> np.ndarray:
        with _Process("image", path, self._limits, content) as process:
            return process.receive_image()

    def scan_packets(self, path: Path) -> PacketScan:
        with _Process("packets", path, self._limits) as process:
            return process.receive(lambda told: PacketScan(**told))

    def decode_frames(self, path: Path) -> Iterator[DecodedFrame]:
        with _Process("frames", path, self._limits) as process:
            while frame := process.receive_frame():
                yield frame
                process.skip_frame()


class _Process:
    """The process that decodes one file; at the end of the block it is gone.

    Args:
        job: `image`, `packets` or `frames`.
        content: of an image that lies in memory; `path` is then only what it is called.
    """

    def __init__(self, job: str, path: Path, limits: DecoderLimits, content: bytes | None = None):
        self._path, self._limits = path, limits
        self._is_late = self._is_asked = False
        request = {"job": job, "path": str(path), "limits": asdict(limits)}
        request["content_bytes"] = None if content is None else len(content)
        source = [str(_SOURCE), *filter(None, sys.path)]
        self._process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | _ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(source)},
            pipesize=_PIPE_BYTES,
            start_new_session=True,  # Ctrl-C is for this process, which then ends that one
        )
        self._request = json.dumps(request).encode() + b"\n" + (content or b"")

    def __enter__(self) -> "_Process":
        try:
            self.send(self._request)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):  # what was not sent any more
                pipe.close()

    def send(self, content: bytes) -> None:
        """Send bytes.

        Raises:
            RejectedFileError: the process ended.
        """
        with self._deadline():
            try:
                self._process.stdin.write(content)
                self._process.stdin.flush()
            except BrokenPipeError:
                raise self._say_why_it_ended() from None

    def receive(self, make: Callable[[dict], Any]) -> Any:
        """Receive an answer and return what `make` makes of it.

        Raises:
            RejectedFileError: as the process rejects the file, or because that ended.
            OSError: trouble of the machine.
        """
        with self._deadline():
            line = self._process.stdout.readline(_MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise self._say_why_it_ended()
        try:
            answer = dict(json.loads(line))
            error = self._read_error(answer)
            if error is None:
                return make(answer)
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            raise self._say_it_broke_down("it sent what cannot be") from None
        raise error

    def receive_frame(self) -> DecodedFrame | None:
        """Receive what is said of the next frame; None after the last one."""
        self._is_asked = True
        return self.receive(
            lambda told: (
                DecodedFrame(
                    None if told["time"] is None else float(told["time"]),
                    (int(told["size_px"][0]), int(told["size_px"][1])),
                    bool(told["is_turned"]),
                    str(told["transfer"]),
                    self._fetch_frame,
                )
                if told
                else None
            )
        )

    def skip_frame(self) -> None:
        """Say that the pixels of the frame are not wanted, where they were not fetched."""
        if self._is_asked:
            self.send(SKIP)

    def _fetch_frame(self) -> np.ndarray:
        self._is_asked = False
        self.send(WANT)
        return self.receive_image()

    def receive_image(self) -> np.ndarray:
        """Receive an image: uint8 [H, W, 3]."""
        height_px, width_px = self.receive(lambda told: (int(told["height"]), int(told["width"])))
        if min(height_px, width_px) < 1 or height_px * width_px > MAX_IMAGE_PX:
            raise self._say_it_broke_down("it sent what cannot be")
        image = np.empty((height_px, width_px, 3), np.uint8)
        with self._deadline():
            n_bytes = self._process.stdout.readinto(image.reshape(-1).data)
        if n_bytes < image.size:
            raise self._say_why_it_ended()
        return image

    def _read_error(self, answer: dict) -> Exception | None:
        if "rejected" in answer:
            kind = LimitError if answer["is_limit"] else RejectedFileError
            return kind(str(answer["rejected"]))
        if "errno" in answer:
            return OSError(int(answer["errno"]), str(answer["strerror"]), str(self._path))
        return None

    def _deadline(self) -> "_Deadline":
        return _Deadline(self._limits.max_wait_seconds, self._end_late)

    def _end_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _say_why_it_ended(self) -> Exception:
        """Make the error of a process that sends nothing any more."""
        name, limits = show_name(self._path), self._limits
        if self._is_late:
            return LimitError(
                f"{name}: decoding goes on for more than {limits.max_wait_seconds:g} seconds "
                "without a frame, which is the limit; encode it again"
            )
        code = self._process.wait()  # its output is closed, so it ends
        if code == -getattr(signal, "SIGXCPU", 0):
            return LimitError(
                f"{name}: decoding takes more than {limits.max_cpu_seconds} seconds of CPU time, "
                "which is the limit; cut out the part that matters"
            )
        if code > 0:  # its own words stand in the log; this is no fault of the file
            return RuntimeError(f"{name}: the process that decodes it ended with exit code {code}")
        return self._say_it_broke_down(signal.strsignal(-code) if code else "it sent too little")

    def _say_it_broke_down(self, reason: str) -> RejectedFileError:
        return RejectedFileError(
            f"{show_name(self._path)}: the process that decodes it broke down ({reason}), perhaps "
            "for lack of memory; encode it again"
        )


class _Deadline:
    """Calls a function where the block takes longer than some seconds."""

    def __init__(self, seconds: float, function):
        self._timer = threading.Timer(seconds, function)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_) -> None:
        self._timer.cancel()
