"""Tasks on the workers of a Dask cluster (`distributed`), as on processes of this machine.

A worker does one task at a time, in the same folder as the command that asked for it, and with the
same code and versions, so that it makes the same bytes. What a worker was at when it died is done
by another one. See docs/scale.md.
"""

import functools
import hashlib
import logging
import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from tqdm import tqdm

from deepfake_detector.common.parallel import reporting_to

PACKAGES = ("av", "numpy", "onnxruntime", "opencv-python-headless", "pandas")
"""What decides about bytes and scores beside the project's own code."""

CONNECT_SECONDS = 30
LOST_SECONDS = 30
"""A result that was lost with its worker is made again by then, or asked for anew."""

_WAITING_PER_THREAD = 3  # tasks at the scheduler, so that no worker waits for this process
_MIN_WAITING = 8  # also where no worker has come yet

_one_at_a_time = threading.Lock()
"""A worker may have several threads; memory and cores are for one task."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """Where a task has to be done: the folder, and the code and versions in it."""

    folder: str
    versions: tuple[tuple[str, str], ...]


class LostAnswerError(Exception):
    """The answer of a task that has ended was on a worker that died."""


def run_on_cluster(
    task: Callable[[Any], Any],
    items: Sequence,
    address: str,
    bar: tqdm,
    replace_killed: Callable[[Any], Any] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Run a task for each item on a cluster, as `common.parallel.run_tasks` does.

    Args:
        address: of the scheduler, such as `tcp://scheduler:8786`.

    Raises:
        ValueError: there is no scheduler, it went away, or a worker differs from this process.
    """
    if not items:
        return
    surroundings = describe_surroundings(str(Path.cwd()))
    with _connect(address) as client:
        suspects = []
        for index, answer in _run_many(client, task, items, surroundings):
            if answer is None and replace_killed is not None:
                suspects.append(index)
                continue
            amount, result = _check_answer(answer, address)
            bar.update(amount)
            yield index, result
        for index in suspects:  # one by one: what only waited beside a task that kills is done
            answers = _run_many(client, task, [items[index]], surroundings)
            answer = next(answer for _, answer in answers)
            amount, result = answer or (0, replace_killed(items[index]))
            bar.update(amount)
            yield index, result


def _run_many(client, task, items: Sequence, surroundings: Surroundings) -> Iterator[tuple]:
    """Give indices and answers of `run_there` as they come; None where workers were killed by it.

    The scheduler is handed few tasks at a time, however many there are.
    """
    from distributed import as_completed

    todo, indices, running = deque(range(len(items))), {}, as_completed(loop=client.loop)
    while True:
        threads = sum(client.nthreads().values())
        most = max(_MIN_WAITING, _WAITING_PER_THREAD * threads)
        while todo and len(indices) < most:
            index = todo.popleft()
            future = client.submit(run_there, (task, items[index], surroundings), pure=False)
            indices[future] = index
            running.add(future)
        if not indices:
            return
        future = next(running)
        index = indices.pop(future)
        try:
            yield index, _read_answer(future)
        except LostAnswerError:
            logger.info("a result got lost on its way; the task is done again")
            todo.append(index)
        future.release()


def run_there(work: tuple[Callable, Any, Surroundings]) -> tuple[int, Any]:
    """Run a task on a worker.

    Returns:
        The amount of work that it told, and its result.

    Raises:
        ValueError: this worker's folder, code or versions are not those that are asked for.
    """
    task, item, surroundings = work
    amounts: list[int] = []
    with _one_at_a_time, reporting_to(amounts.append):
        _enter(surroundings)
        result = task(item)
    return sum(amounts), result


def _enter(expected: Surroundings) -> None:
    host, folder = platform.node(), Path(expected.folder)
    if not folder.is_dir():
        raise ValueError(
            f"worker on {host}: no folder {folder}; the project has to lie at the same place on "
            "each machine"
        )
    os.chdir(folder)
    own = describe_surroundings(expected.folder)
    asked = dict(expected.versions)
    differing = [
        f"{name} ({version}, not {asked[name]})"
        for name, version in own.versions
        if version != asked[name]
    ]
    if differing:
        raise ValueError(
            f"worker on {host} has another version of {', '.join(differing)}; install the same "
            "code and requirements.lock there and start it again"
        )


@functools.cache
def describe_surroundings(folder: str) -> Surroundings:
    """Describe the code and the versions of this process, which works in a folder."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    own = [("Python", platform.python_version()), ("the code", digest.hexdigest()[:12])]
    return Surroundings(folder, (*own, *((name, metadata.version(name)) for name in PACKAGES)))


@contextmanager
def _connect(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{address}: no Dask scheduler answers ({error}); start one with `dask scheduler`, or "
            "leave --cluster and DASK_SCHEDULER_ADDRESS away"
        ) from error
    with client:
        if not client.nthreads():
            logger.info("%s: no worker yet; start some with `dask worker %s`", address, address)
        yield client


def _read_answer(future) -> tuple[int, Any] | None:
    """Return the answer of a task that has ended; None where it killed its workers.

    Raises:
        LostAnswerError: the answer was lost with its worker and does not come again.
    """
    from distributed import CancelledError, KilledWorker

    try:
        return _wait_for_answer(future)
    except KilledWorker:
        return None
    except CancelledError as error:
        raise ValueError(
            "the Dask scheduler went away; what is done is kept, the same command goes on"
        ) from error
    except ModuleNotFoundError as error:
        raise ValueError(
            f"a worker cannot import {error.name}: start it in the project's environment, with "
            "PYTHONPATH=src"
        ) from error


def _wait_for_answer(future) -> tuple[int, Any]:
    try:
        return future.result(timeout=LOST_SECONDS)
    except TimeoutError as error:
        if future.status == "error":  # meanwhile, or it is the task's own
            return future.result(timeout=LOST_SECONDS)
        raise LostAnswerError from error


def _check_answer(answer: tuple[int, Any] | None, address: str) -> tuple[int, Any]:
    if answer is None:
        raise ValueError(
            f"{address}: the same task killed workers again and again, perhaps for lack of memory"
        )
    return answer
