"""Work for processes of `test_sandbox.py`."""

import os
import signal
import time

import numpy as np

from deepfake_detector.video.media.errors import RejectedFileError


def add(one, other):
    os.write(1, b"said on the standard output, which is nobody's")
    return one + other


def fill_memory(size):
    return np.ones(size, np.uint8).sum()


def reject():
    raise RejectedFileError("a.mp4: cut off")


def sleep(seconds):
    time.sleep(seconds)


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def count(numbers, folder):
    try:
        for number in range(numbers):
            yield np.full((10, 10), number)
    finally:
        (folder / "ended").touch()


def count_and_sleep():
    yield 1
    time.sleep(60)


def give_a_function():
    return lambda: None
