"""Work spread over processes, here or on a cluster, with progress and a clean stop.

Processes come from a fork server that has loaded the task's module and nothing else: a process
that has TensorFlow or its threads in it is never forked.
"""

import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

_POLL_SECONDS = 0.2
_WAITING_PER_WORKER = 2  # tasks handed to a pool: one that runs and the next

_report: ContextVar[Callable[[int], Any] | None] = ContextVar("report", default=None)
"""Where this thread tells how much work it did; set while tasks run."""


@dataclass(frozen=True)
class Workers:
    """Who does tasks.

    Attributes:
        count: processes of this machine; 1: this process.
        cluster: address of the scheduler of a Dask cluster, whose workers do the tasks instead;
            empty: this machine does them.
        share_cores: each process uses its part of the cores alone (Linux), for tasks that would
            otherwise each use all of them.
    """

    count: int
    cluster: str = ""
    share_cores: bool = False


def list_cores() -> list[int]:
    """List the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def count_workers() -> int:
    """Return the number of CPUs this process may use."""
    return len(list_cores())


def add_progress(amount: int) -> None:
    """Tell, from inside a task, how much work was done."""
    if (report := _report.get()) is not None:
        report(amount)


@contextmanager
def reporting_to(report: Callable[[int], Any]) -> Iterator[None]:
    """Pass what tasks of this thread tell by `add_progress` on to a function."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def run_tasks(
    task: Callable[[Any], Any],
    items: Sequence,
    workers: Workers,
    bar: tqdm,
    replace_killed: Callable[[Any], Any] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Run a task for each item, and give the item's index and its result as they are done.

    Args:
        workers: a task, its items and its results are pickled, except for one process.
        bar: moved by `add_progress`.
        replace_killed: makes the result of an item whose process was killed each time it was
            tried, as by a decoder that crashes or by the lack of memory; None: an error.

    Raises:
        ValueError: a worker process was killed, and `replace_killed` is None.
    """
    if workers.cluster:
        from deepfake_detector.common.cluster import run_on_cluster

        yield from run_on_cluster(task, items, workers.cluster, bar, replace_killed)
    elif min(workers.count, len(items)) < 2:
        yield from _run_here(task, items, bar)
    else:
        yield from _run_in_pools(task, items, workers, bar, replace_killed)


def _run_here(task, items: Sequence, bar: tqdm) -> Iterator[tuple[int, Any]]:
    for index, item in enumerate(items):
        with reporting_to(bar.update):
            result = task(item)
        yield index, result


def _run_in_pools(
    task, items: Sequence, workers: Workers, bar: tqdm, replace_killed
) -> Iterator[tuple[int, Any]]:
    """Run tasks in a pool, and in a new one whenever a process of it was killed.

    What the pool was at is then run again, each in a pool of its own: the one that kills its
    process does so again, and the others are not lost with it.
    """
    progress = _Progress(bar)
    todo, waiting = deque(range(len(items))), {}
    while todo or waiting:
        try:
            with _start_pool(task, min(workers.count, len(todo)), workers, progress) as pool:
                yield from _work_off(task, items, pool, (todo, waiting), progress)
        except BrokenProcessPool as error:
            if replace_killed is None:
                raise ValueError(
                    "a worker process was killed, perhaps for lack of memory; repeat with "
                    "--workers 1"
                ) from error
            suspects = sorted(waiting.values())
            waiting.clear()
            for index in suspects:
                yield index, _run_alone(task, items[index], workers, progress, replace_killed)


def _work_off(
    task, items: Sequence, pool: ProcessPoolExecutor, queues, progress: "_Progress"
) -> Iterator[tuple[int, Any]]:
    """Give the results of a pool, which is handed few tasks at a time."""
    todo: deque[int]
    waiting: dict[Future, int]
    todo, waiting = queues
    most = _WAITING_PER_WORKER * pool._max_workers
    while todo or waiting:
        while todo and len(waiting) < most:
            index = todo.popleft()
            try:
                waiting[pool.submit(task, items[index])] = index
            except BrokenProcessPool:
                todo.appendleft(index)
                raise
        done, _ = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        progress.show()
        for future in done:
            result = future.result()
            yield waiting.pop(future), result


def _run_alone(task, item, workers: Workers, progress: "_Progress", replace_killed) -> Any:
    try:
        with _start_pool(task, 1, workers, progress) as pool:
            return pool.submit(task, item).result()
    except BrokenProcessPool:
        return replace_killed(item)


class _Progress:
    """What the tasks of all pools told, summed up in shared memory."""

    def __init__(self, bar: tqdm):
        method = (
            "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        )
        self.context = multiprocessing.get_context(method)
        self.amount = self.context.Value("q", 0)
        self._bar, self._start = bar, bar.n

    def show(self) -> None:
        self._bar.update(self._start + self.amount.value - self._bar.n)


@contextmanager
def _start_pool(
    task, count: int, workers: Workers, progress: _Progress
) -> Iterator[ProcessPoolExecutor]:
    """Start a pool; at its end no process of it works any more, after an error or Ctrl-C, too."""
    context = progress.context
    context.set_forkserver_preload([task.__module__])
    parts = split_cores(list_cores(), count) if workers.share_cores else []
    others = set(multiprocessing.active_children())
    started = context.Value("i", 0)
    pool = ProcessPoolExecutor(count, context, _start_worker, (progress.amount, started, parts))
    try:
        yield pool
    finally:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)
        progress.show()


def split_cores(cores: list[int], count: int) -> list[list[int]]:
    """Split cores into `count` parts that differ by one core at most; with fewer cores than parts
    several parts are the same core."""
    bounds = [number * len(cores) // count for number in range(count + 1)]
    return [cores[start : max(end, start + 1)] for start, end in itertools.pairwise(bounds)]


def _start_worker(amount, started, parts: list[list[int]]) -> None:
    """Leave Ctrl-C to the parent process, which then ends its workers; take part of the cores."""

    def report(more: int) -> None:
        with amount.get_lock():
            amount.value += more

    _report.set(report)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parts and hasattr(os, "sched_setaffinity"):
        with started.get_lock():
            part = parts[started.value % len(parts)]
            started.value += 1
        os.sched_setaffinity(0, part)
