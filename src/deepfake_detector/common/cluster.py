"""Tasks on the workers of a Dask cluster (`distributed`), as on processes of this machine.

A worker does one task at a time, in the same folder as the command that asked for it, and with the
same code and versions, so that it makes the same bytes. What a worker was at when it died is done
by another one. See docs/scale.md.
"""

import functools
import hashlib
import itertools
import logging
import os
import platform
import threading
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
    from distributed import as_completed

    if not items:
        return
    surroundings = describe_surroundings(str(Path.cwd()))
    todo, indices = iter(enumerate(items)), {}
    with _connect(address) as client:
        running = as_completed()

        def submit_more() -> None:
            threads = sum(client.nthreads().values())
            free = max(_MIN_WAITING, _WAITING_PER_THREAD * threads) - len(indices)
            for index, item in itertools.islice(todo, max(free, 0)):
                future = client.submit(run_there, (task, item, surroundings), pure=False)
                indices[future] = index
                running.add(future)

        submit_more()
        for future in running:
            amount, result = _read_result(future, items[indices[future]], address, replace_killed)
            bar.update(amount)
            index = indices.pop(future)
            future.release()
            submit_more()
            yield index, result


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
        return sum(amounts), task(item)


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


def _read_result(future, item: Any, address: str, replace_killed) -> tuple[int, Any]:
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        if replace_killed is None:
            raise ValueError(
                f"{address}: workers were killed by the same task again and again, perhaps for "
                f"lack of memory ({error})"
            ) from error
        return 0, replace_killed(item)
    except (CancelledError, ModuleNotFoundError) as error:
        raise ValueError(
            f"{address}: {_explain(error)}; what is done is kept, the same command goes on"
        ) from error


def _explain(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"a worker cannot import {error.name}: start it in this environment, PYTHONPATH=src"
    return "the scheduler went away"
