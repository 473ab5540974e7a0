"""Tasks for worker processes: a process imports them by name, so they stand in a plain module."""

import os
import signal
import time
from pathlib import Path

from deepfake_detector.common.parallel import add_progress, list_cores


def square(number):
    add_progress(10)
    return number * number


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def die_of_seven(number):
    return die(number) if number == 7 else square(number)


def find_cores(_):
    return list_cores()


def write_slowly(item):
    """Write a file that names the process; return the number that was asked for."""
    number, folder = item
    time.sleep(0.05)
    Path(folder, f"{number}_{os.getpid()}").touch()
    add_progress(10)
    return number
