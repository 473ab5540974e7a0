"""Work spread over processes, with progress and a clean stop.

Processes come from a fork server that has loaded the task's module and nothing else: a process
that has TensorFlow or its threads in it is never forked.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tqdm import tqdm

_POLL_SECONDS = 0.2

_report: Callable[[int], Any] | None = None
"""Where this process tells how much work it did; set while tasks run."""


def count_workers() -> int:
    """Give the number of CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def add_progress(amount: int) -> None:
    """Tell, from inside a task, how much work was done."""
    if _report is not None:
        _report(amount)


def run_tasks(
    task: Callable[[Any], Any], items: Sequence, workers: int, bar: tqdm
) -> Iterator[tuple[int, Any]]:
    """Run a task for each item, and give the item's index and its result as they are done.

    With one worker, in this process. `bar` is moved by `add_progress`.

    Raises:
        ValueError: a worker process was killed.
    """
    workers = min(workers, len(items))
    return (_run_here if workers < 2 else _run_in_pool)(task, items, workers, bar)


def _run_here(task, items: Sequence, _: int, bar: tqdm) -> Iterator[tuple[int, Any]]:
    global _report
    _report = bar.update
    try:
        for index, item in enumerate(items):
            yield index, task(item)
    finally:
        _report = None


def _run_in_pool(task, items: Sequence, workers: int, bar: tqdm) -> Iterator[tuple[int, Any]]:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload([task.__module__])
    progress = context.Value("q", 0)
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, _start_worker, (progress,))
    try:
        waiting = {pool.submit(task, item): index for index, item in enumerate(items)}
        while waiting:
            done, _ = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            bar.update(progress.value - bar.n)
            for future in done:
                yield waiting.pop(future), future.result()
    except BrokenProcessPool as error:
        raise ValueError(
            "a worker process was killed, perhaps for lack of memory; repeat with --workers 1"
        ) from error
    finally:  # at the end no one works any more; after an error or Ctrl-C they stop at once
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _start_worker(progress) -> None:
    """Leave Ctrl-C to the parent process, which then ends its workers."""
    global _report

    def report(amount: int) -> None:
        with progress.get_lock():
            progress.value += amount

    _report = report
    signal.signal(signal.SIGINT, signal.SIG_IGN)
