"""All inputs analyzed, several at once, with the videos an hour and the time that is left."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from deepfake_detector.batch.analyze_input import (
    PredictorOptions,
    analyze_quietly,
    analyze_with_bar,
    reject_killed,
)
from deepfake_detector.batch.input_tables import write_tables
from deepfake_detector.batch.inputs import InputTask, Output
from deepfake_detector.batch.outcome import Outcome, OutcomeStore
from deepfake_detector.common.addresses import ResultFolder
from deepfake_detector.common.memory import read_available_bytes
from deepfake_detector.common.parallel import Workers, run_tasks

PROCESS_BYTES = 2 * 10**9
"""What a process takes at its peak (benchmarks/README.md, "Analyzing a video")."""

KNOWN = "%s: the model learned from this video, or nearly (%s): its verdict is no test of it"

logger = logging.getLogger("predict")


def analyze_all(
    tasks: list[InputTask], options: PredictorOptions, workers: Workers, output: Output
) -> int:
    """Analyze all inputs and write their tables, also where it ends early, as after Ctrl-C.

    Inputs that were finished before with the same content, model and options are not analyzed
    again. What cannot be read is rejected, the others go on.

    Returns:
        How many inputs were rejected.

    Raises:
        ValueError: the model cannot be loaded.
        OSError: trouble of the machine.
    """
    store, rejected = OutcomeStore(), 0
    try:
        with closing(_analyze_each(tasks, options, workers)) as outcomes:
            for index, outcome in outcomes:
                store.add(index, outcome)
                rejected += bool(outcome.error)
                log_outcome(outcome)
    finally:
        if len(store):  # else, as with a wrong model, the tables of an earlier run stay
            with ResultFolder(output.folder).writing() as folder:
                write_tables(store, folder)
    return rejected


def _analyze_each(
    tasks: list[InputTask], options: PredictorOptions, workers: Workers
) -> Iterator[tuple[int, Outcome]]:
    if len(tasks) == 1 and not workers.cluster:
        yield 0, analyze_with_bar(tasks[0], options)
        return
    count = fit_to_memory(min(workers.count, len(tasks)), read_available_bytes())
    if count > 1 and not workers.cluster:
        options.fetch()  # once, not by each process
    items = [(task, options) for task in tasks]
    started, made = time.monotonic(), 0
    with (
        tqdm(total=len(tasks), unit="video", desc="predict") as bar,
        logging_redirect_tqdm([logger]),
        closing(
            run_tasks(analyze_quietly, items, replace(workers, count=count), bar, reject_killed)
        ) as results,
    ):
        for index, outcome in results:
            made += outcome.is_new
            per_hour = 3600 * made / (time.monotonic() - started)
            bar.set_postfix_str(f"{per_hour:.0f} videos/h")
            yield index, outcome


def fit_to_memory(count: int, available_bytes: int | None) -> int:
    """Return the number of processes, at most `count` and at least 1, that memory has room for."""
    if available_bytes is None:
        return count
    return max(1, min(count, available_bytes // PROCESS_BYTES))


def log_outcome(outcome: Outcome) -> None:
    """Log what came of an input."""
    if outcome.error:
        logger.error("rejected: %s", outcome.error)
        return
    again = "" if outcome.is_new else ", made before"
    if outcome.verdict:
        answer, reason = outcome.verdict["answer"], outcome.verdict["reason"]
        logger.info("%s: %s (%s)%s", outcome.file, answer, reason, again)
    if outcome.ended_early:
        logger.warning(
            "%s: analyzed as far as it can be read: %s", outcome.file, outcome.ended_early
        )
    if outcome.known_as:
        logger.warning(KNOWN, outcome.file, outcome.known_as)
    frames = {face["frame"] for face in outcome.faces}
    logger.info("%s: %d faces in %d frames", outcome.file, len(outcome.faces), len(frames))
