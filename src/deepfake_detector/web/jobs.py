"""Files that people hand in, judged one after the other; what is kept of them, and how long.

An upload is deleted as soon as it is judged or rejected, results when newer ones push them out,
and everything when the queue closes.
"""

import logging
import re
import secrets
import shutil
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.reports.verdict_files import write_report

logger = logging.getLogger(__name__)

_MAX_STEM_BYTES, _MAX_ENDING_BYTES = 160, 20  # file systems allow 255 bytes, results add some

RESULTS = ("annotated.mp4", "annotated.jpg", "report.html", "verdict.json")


class QueueFullError(ValueError):
    """As many files wait as may."""


@dataclass
class Job:
    """A file that was handed in, and how far it is.

    Attributes:
        frames: of the file; 0 where that is not known.
        frames_done: those that are done in this phase.
        is_cancelled: it stops at its next step.
    """

    folder: Path
    name: str
    phase: str = "waiting"
    frames: int = 0
    frames_done: int = 0
    future: Future | None = None
    is_cancelled: bool = False

    @property
    def upload(self) -> Path:
        return self.folder / "upload" / self.name

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def fraction(self) -> float:
        """How much of the phase is done, 0-1; 0 where it is not known."""
        return min(self.frames_done / self.frames, 1.0) if self.frames else 0.0

    def on_progress(self, phase: str, frames_done: int) -> None:
        """Note how far it is.

        Raises:
            CancelledError: nobody waits for it any more.
        """
        self.phase, self.frames_done = phase, frames_done
        if self.is_cancelled:
            raise CancelledError


class JobQueue:
    """Takes in files and analyzes them in a thread of its own."""

    def __init__(
        self,
        folder: Path,
        predictor: DeepfakePredictor,
        max_kept_jobs: int,
        max_waiting_jobs: int,
    ):
        self._folder, self._predictor = folder, predictor
        self._max_kept_jobs, self._max_waiting_jobs = max_kept_jobs, max_waiting_jobs
        self._thread = ThreadPoolExecutor(1)
        self._arriving: set[Path] = set()  # folders of jobs whose file is being handed in
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()  # of the jobs; requests and the thread change them

    def open_job(self, name: str) -> tuple[str, Job]:
        """Make a place for a file: a number that cannot be guessed, and the job.

        Raises:
            QueueFullError: so many files wait or arrive that no more are taken now.
        """
        number = secrets.token_hex(16)
        job = Job(self._folder / number, clean_name(name))
        with self._lock:
            undone = sum(not other.future.done() for other in self._jobs.values())
            if undone + len(self._arriving) > self._max_waiting_jobs:  # one of them is judged
                raise QueueFullError(
                    f"{self._max_waiting_jobs} files wait already; hand it in again later"
                )
            self._arriving.add(job.folder)
        job.upload.parent.mkdir(parents=True)
        return number, job

    def submit(self, number: str, job: Job) -> None:
        """Analyze a job whose file is there, after those that came before."""
        with self._lock:
            self._arriving.discard(job.folder)
            self._jobs[number] = job
            job.future = self._thread.submit(self._work, job)

    def cancel(self, number: str) -> None:
        """Stop a job at its next step and forget it, whether it waits, runs or is done."""
        with self._lock:
            job = self._jobs.pop(number, None)
        if job is None:
            return
        job.is_cancelled = True
        if job.future.cancel() or job.future.done():
            self.forget(job)

    def count_before(self, number: str) -> int:
        """Count the jobs that are done before this one begins."""
        with self._lock:
            jobs = list(self._jobs.items())
        numbers = [other for other, _ in jobs]
        before = jobs[: numbers.index(number)] if number in numbers else []
        return sum(not job.future.done() for _, job in before)

    def forget(self, job: Job) -> None:
        """Delete everything of a job."""
        with self._lock:
            self._arriving.discard(job.folder)
        shutil.rmtree(job.folder, ignore_errors=True)

    def find(self, number: str) -> Job | None:
        """Give the job of a number; None where there is none, or none any more."""
        return self._jobs.get(number)

    def close(self) -> None:
        """Cancel and forget all jobs; one that is being judged stops at its next step."""
        with self._lock:
            numbers = list(self._jobs)
        for number in numbers:
            self.cancel(number)
        self._thread.shutdown(cancel_futures=True)

    def _make_room(self) -> None:
        """Forget the oldest results, so that with one more `max_kept_jobs` are kept."""
        with self._lock:
            done = [number for number, job in self._jobs.items() if job.future.done()]
            surplus = max(0, len(done) + 1 - self._max_kept_jobs)
            old = [self._jobs.pop(number) for number in done[:surplus]]
        for job in old:
            self.forget(job)

    def _work(self, job: Job) -> dict:
        try:
            job.frames = self._predictor.count_frames(job.upload)
            analysis = self._predictor.analyze(job.upload, job.on_progress)
            record = write_report(
                analysis, self._predictor.model, job.results, progress=job.on_progress
            )
        finally:
            shutil.rmtree(job.upload.parent, ignore_errors=True)
            if job.is_cancelled:
                self.forget(job)
            self._make_room()
        if not record["tracks"]:
            why = record["reason"].partition("; ")[2]
            raise ValueError(
                f"{job.name}: no face was found in {record['frames']['analyzed']} frames; "
                f"nothing can be said about it{'; ' if why else ''}{why}"
            )
        return record


def clean_name(name: str) -> str:
    """Make a file name of what a browser says: no folders, no odd characters, not long."""
    plain = re.sub(r"[^\w. ()+-]", "_", re.split(r"[/\\]", name)[-1]).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if not stem:
        return _cut(plain, _MAX_STEM_BYTES) or "file"
    return f"{_cut(stem, _MAX_STEM_BYTES)}{dot}{_cut(ending, _MAX_ENDING_BYTES)}"


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore")


def describe_job(job: Job, before: int = 0) -> dict:
    """Say how far a job is: `state` is waiting, judging, judged or rejected.

    Args:
        before: jobs that are done before this one begins.
    """
    future = job.future
    if not future.done():
        state = "judging" if future.running() else "waiting"
        progress = {"phase": job.phase, "fraction": round(job.fraction, 3), "before": before}
        return {"state": state, **progress}
    if future.cancelled():
        return {"state": "rejected", "reason": f"{job.name}: cancelled"}
    error = future.exception()
    if error is None:
        return {"state": "judged", **_summarize(future.result(), job)}
    if isinstance(error, CancelledError):
        return {"state": "rejected", "reason": f"{job.name}: cancelled"}
    if isinstance(error, ValueError):
        return {"state": "rejected", "reason": str(error)}
    if isinstance(error, OSError):  # its own words would name folders of this program
        reason = f"{job.name} was not judged: {error.strerror or error}; this is no fault of it"
        logger.error("%s: %s", job.name, error)
        return {"state": "rejected", "reason": reason}
    logger.error("%s could not be judged", job.name, exc_info=error)
    return {"state": "rejected", "reason": f"{job.name}: an error of this program; see its log"}


def _summarize(record: dict, job: Job) -> dict:
    parts = ("verdict", "probability", "reason", "covers", "frames", "file")
    return {
        **{part: record[part] for part in parts},
        "faces": [
            {part: track[part] for part in ("track", "verdict", "probability", "reason")}
            for track in record["tracks"]
        ],
        "results": [name for name in RESULTS if (job.results / name).is_file()],
    }
