import contextlib
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from common import sandboxed
from deepfake_detector.common.sandbox import SandboxLimitError, iterate_limited, run_limited

MEGABYTE = 1_000_000
LIMITS = {"max_seconds": 60, "max_bytes": 300 * MEGABYTE}


def list_children():
    """List state and parent of this process's children; zombies have ended."""
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            children += [path] if int(parent) == os.getpid() and state != "Z" else []
    return children


def test_a_result_comes_back():
    assert run_limited(sandboxed.add, (2, 3), **LIMITS) == 5


def test_what_the_function_raises_is_raised():
    with pytest.raises(ValueError, match=r"a\.mp4: cut off") as error:
        run_limited(sandboxed.reject, (), **LIMITS)
    assert type(error.value).__name__ == "RejectedFileError"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_memory_is_limited_and_what_fits_is_not():
    assert run_limited(sandboxed.fill_memory, (100 * MEGABYTE,), **LIMITS) == 100 * MEGABYTE
    with pytest.raises(SandboxLimitError, match="more memory than 300000000 bytes"):
        run_limited(sandboxed.fill_memory, (400 * MEGABYTE,), **LIMITS)


def test_time_is_limited():
    begin = time.monotonic()
    with pytest.raises(SandboxLimitError, match="took more than 2 seconds, which is the limit"):
        run_limited(sandboxed.sleep, (60,), max_seconds=2, max_bytes=300 * MEGABYTE)
    assert time.monotonic() - begin < 20
    with pytest.raises(SandboxLimitError, match="took more than 3 seconds"):
        list(iterate_limited(sandboxed.count_and_sleep, (), 3, 300 * MEGABYTE))


def test_a_crash_is_an_error_of_the_file():
    with pytest.raises(SandboxLimitError, match=r"ended the process that read it \(code -11\)"):
        run_limited(sandboxed.crash, (), **LIMITS)


def test_items_come_one_after_the_other(tmp_path):
    items = list(iterate_limited(sandboxed.count, (30, tmp_path), **LIMITS))
    assert [int(item[0, 0]) for item in items] == list(range(30))
    assert (tmp_path / "ended").exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc of Linux")
def test_an_iterator_that_is_closed_leaves_no_process(tmp_path):
    before = len(list_children())
    items = iterate_limited(sandboxed.count, (10**9, tmp_path), **LIMITS)
    assert np.array_equal(next(items), np.zeros((10, 10)))
    assert len(list_children()) == before + 1
    items.close()
    assert len(list_children()) == before


def test_what_cannot_be_sent_is_an_error():
    with pytest.raises(ValueError, match="cannot be sent"):
        run_limited(sandboxed.give_a_function, (), **LIMITS)
