"""Files that people hand in, judged one after the other; what is kept of them, and how long.

An upload is deleted as soon as it is judged or refused, results when newer ones push them out, and
everything when the desk closes.
"""

import logging
import re
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

RESULTS = ("annotated.mp4", "annotated.jpg", "report.html", "verdict.json")

Tell = Callable[[str, float], None]
"""Called with a word for what is being done, and the share of it that is done, 0-1."""

Judge = Callable[[Path, Path, Tell], dict]
"""Judges a file, writes `RESULTS` into a folder, gives what verdict.json holds."""


@dataclass
class Case:
    """A file that was handed in: its folder, its name, and how far it is."""

    folder: Path
    name: str
    doing: str = "waiting"
    share: float = 0.0
    future: Future | None = None

    @property
    def upload(self) -> Path:
        return self.folder / "upload" / self.name

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def tell(self, doing: str, share: float) -> None:
        self.doing, self.share = doing, share


class Desk:
    """Takes in files and judges them in a thread of its own."""

    def __init__(self, folder: Path, judge: Judge, cases_kept: int):
        self._folder, self._judge, self._cases_kept = folder, judge, cases_kept
        self._thread = ThreadPoolExecutor(1)
        self._cases: dict[str, Case] = {}

    def open_case(self, name: str) -> tuple[str, Case]:
        """Make a place for a file: a number that cannot be guessed, and the case."""
        number = secrets.token_hex(16)
        case = Case(self._folder / number, clean_name(name))
        case.upload.parent.mkdir(parents=True)
        return number, case

    def take_in(self, number: str, case: Case) -> None:
        """Judge a case whose file is there, after those that came before."""
        self._cases[number] = case
        case.future = self._thread.submit(self._work, case)
        while len(self._cases) > self._cases_kept:
            oldest = next(iter(self._cases))
            if not self._cases[oldest].future.done():
                break
            self.forget(self._cases.pop(oldest))

    def forget(self, case: Case) -> None:
        """Delete everything of a case."""
        shutil.rmtree(case.folder, ignore_errors=True)

    def find(self, number: str) -> Case | None:
        """Give the case of a number; None where there is none, or none any more."""
        return self._cases.get(number)

    def close(self) -> None:
        """Forget all cases; one that is being judged is finished first."""
        self._thread.shutdown(cancel_futures=True)
        for case in self._cases.values():
            self.forget(case)

    def _work(self, case: Case) -> dict:
        try:
            record = self._judge(case.upload, case.results, case.tell)
        finally:
            shutil.rmtree(case.upload.parent, ignore_errors=True)
        if not record["tracks"]:
            raise ValueError(
                f"{case.name}: no face was found in {record['frames']['looked_at']} frames; "
                "nothing can be said about it"
            )
        return record


def clean_name(name: str) -> str:
    """Make a file name of what a browser says: no folders, no odd characters, not long."""
    plain = re.sub(r"[^\w. ()+-]", "_", re.split(r"[/\\]", name)[-1]).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:80]}{dot}{ending[:10]}" if stem else plain[:80] or "file"


def describe_case(case: Case) -> dict:
    """Say how far a case is: `state` is waiting, judging, judged or refused."""
    future = case.future
    if not future.done():
        state = "judging" if future.running() else "waiting"
        return {"state": state, "doing": case.doing, "share": round(case.share, 3)}
    error = future.exception()
    if error is None:
        return {"state": "judged", **_summarise(future.result(), case)}
    if isinstance(error, (ValueError, OSError)):
        return {"state": "refused", "reason": str(error)}
    logger.error("%s could not be judged", case.name, exc_info=error)
    return {"state": "refused", "reason": f"{case.name}: an error of this program; see its log"}


def _summarise(record: dict, case: Case) -> dict:
    parts = ("verdict", "probability", "reason", "frames", "file")
    return {
        **{part: record[part] for part in parts},
        "faces": [
            {part: track[part] for part in ("track", "verdict", "probability", "reason")}
            for track in record["tracks"]
        ],
        "results": [name for name in RESULTS if (case.results / name).is_file()],
    }
