"""What came of one input, kept beside its results, so that the same is not made twice.

The record of a finished input is of one file's content, one model and one set of options; with any
other the input is analyzed again.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from deepfake_detector.common.addresses import ResultFolder

FINISHED_FOLDER = ".finished"
"""The folder of records in a result folder."""


@dataclass(frozen=True)
class Outcome:
    """What came of one input.

    Attributes:
        file: the input, as tables show it.
        verdict: of a video, the row of verdicts.csv but for `video` and `error`; empty of an image
            and of what could not be analyzed.
        faces: the faces that score enough, as rows of faces.csv but for `file`.
        error: why it was rejected; empty where it was not.
        ended_early: why a video could not be read to its end; empty where it could.
        known_as: the video that the model learned from and that it is, or nearly; else empty.
        is_new: it was analyzed now, not found finished.
        files: what was made of it, from the result folder.
    """

    file: str
    verdict: dict[str, Any] = field(default_factory=dict)
    faces: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    ended_early: str = ""
    known_as: str = ""
    is_new: bool = True
    files: list[str] = field(default_factory=list)


def compute_key(parts: Any) -> str:
    """Compute the key of what an outcome depends on, from what JSON can hold."""
    form = [known.name for known in fields(Outcome)]
    return hashlib.sha256(json.dumps([form, parts]).encode()).hexdigest()


def read_finished(folder: ResultFolder, name: str, key: str, file: str) -> Outcome | None:
    """Return the outcome of an input that was finished before; None where there is none.

    Args:
        name: of what is made of the input.
        key: of content, model and options; a record with another key does not count.
        file: how the input is shown now.
    """
    content = folder.read(_name_record(name))
    if content is None:
        return None
    record = json.loads(content)
    if record.pop("key") != key or not folder.has(record["files"]):
        return None
    return replace(Outcome(**record), file=file, is_new=False)


def write_finished(folder: ResultFolder, name: str, key: str, outcome: Outcome) -> None:
    """Keep the record of an input whose results are written."""
    text = json.dumps({"key": key, **asdict(outcome)})
    folder.write(_name_record(name), text.encode())


def _name_record(name: str) -> str:
    return f"{FINISHED_FOLDER}/{name}.json"


class OutcomeStore:
    """Outcomes on disk while others are made; memory holds a number for each."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the store
        self._places: dict[int, int] = {}

    def add(self, index: int, outcome: Outcome) -> None:
        """Add the outcome of input `index`."""
        self._file.seek(0, 2)
        self._places[index] = self._file.tell()
        self._file.write(json.dumps(asdict(outcome)).encode() + b"\n")

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Outcome]:
        """Give the outcomes in the order of their inputs."""
        for index in sorted(self._places):
            self._file.seek(self._places[index])
            yield Outcome(**json.loads(self._file.readline()))
