"""The process that decodes one file for `isolated_decoder`: a request comes in, frames go out.

The request is a line of JSON on the standard input, after it perhaps the content of an image.
Answers are lines of JSON on the standard output, after them perhaps pixels; `{}` is the end.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.decoders.isolated_decoder import WANT
from deepfake_detector.video.media.errors import LimitError, RejectedFileError, show_name


def main() -> None:
    """Do what the request asks for."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library may print is no answer
    request = json.loads(sys.stdin.buffer.readline())
    _limit_resources(request["limits"])
    path = Path(request["path"])
    try:
        _JOBS[request["job"]](request, path, answers)
    except BrokenPipeError:  # nobody waits any more
        os._exit(0)  # closing the pipe would raise again
    except RejectedFileError as error:
        is_limit = isinstance(error, LimitError)
        _send(answers, {"rejected": str(error), "is_limit": is_limit})
    except MemoryError:
        reason = f"{show_name(path)}: takes more memory than a decoder may have; encode it smaller"
        _send(answers, {"rejected": reason, "is_limit": True})
    except OSError as error:
        problem = {"errno": error.errno or 0, "strerror": error.strerror or str(error)}
        _send(answers, problem | {"filename": bool(error.filename)})


def _send_image(request: dict, path: Path, answers: BinaryIO) -> None:
    size = request["content_bytes"]
    if size is None:
        image = Decoder().read_image(path)
    else:
        image = Decoder().decode_image(sys.stdin.buffer.read(size), path)
    _send(answers, _describe(image))
    _send_pixels(answers, image)


def _send_packets(_: dict, path: Path, answers: BinaryIO) -> None:
    _send(answers, asdict(Decoder().scan_packets(path)))


def _send_frames(_: dict, path: Path, answers: BinaryIO) -> None:
    for frame in Decoder().decode_frames(path):
        _send(
            answers,
            {
                "time": frame.time,
                "size_px": frame.size_px,
                "is_turned": frame.is_turned,
                "transfer": frame.transfer,
            },
        )
        if sys.stdin.buffer.read(1) == WANT:
            image = frame.to_rgb()
            _send(answers, _describe(image))
            _send_pixels(answers, image)
    _send(answers, {})


_JOBS = {"image": _send_image, "packets": _send_packets, "frames": _send_frames}


def _describe(image: np.ndarray) -> dict[str, int]:
    return {"height": image.shape[0], "width": image.shape[1]}


def _send(answers: BinaryIO, answer: dict) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _send_pixels(answers: BinaryIO, image: np.ndarray) -> None:
    answers.write(np.ascontiguousarray(image).reshape(-1).data)
    answers.flush()


def _limit_resources(limits: dict) -> None:
    """Let the system end this process, or refuse it memory, over a limit; where it can."""
    try:
        import resource
    except ImportError:  # Windows: the limit of waiting, in the other process, stays
        return
    for kind, value in (
        (resource.RLIMIT_AS, limits["max_bytes"]),
        (resource.RLIMIT_CPU, limits["max_cpu_seconds"]),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (soft, hard))


if __name__ == "__main__":
    main()
