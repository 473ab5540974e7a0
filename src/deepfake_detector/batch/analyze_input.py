"""One input analyzed and its results written: the task of a process, here or on a cluster."""

import functools
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from deepfake_detector.batch.inputs import InputTask, is_image_at
from deepfake_detector.batch.outcome import (
    Outcome,
    compute_key,
    read_finished,
    write_finished,
)
from deepfake_detector.common.addresses import ResultFolder, as_local_file
from deepfake_detector.common.files import hash_file
from deepfake_detector.common.parallel import add_progress
from deepfake_detector.inference.analysis import Progress, VideoAnalysis, ignore_progress
from deepfake_detector.inference.detector import FACE_COLUMNS, choose_shown
from deepfake_detector.inference.model_folders.model_files import ModelIdentity, fetch_named
from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.verdict_files import Drawing, write_report
from deepfake_detector.reports.verdict_json import DIGITS, SCHEMA
from deepfake_detector.video.images import is_image, write_image
from deepfake_detector.video.media.errors import check_regular_file

NUMBERS = [*FACE_COLUMNS, "score"]
FACE_ROW = ["frame", "track", "label", *NUMBERS]
"""Columns of faces.csv but for the first, `file`."""


@dataclass(frozen=True)
class PredictorOptions:
    """What `DeepfakePredictor.load` is asked for; each process loads a predictor by it once."""

    arguments: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, **arguments: Any) -> "PredictorOptions":
        """Take the arguments by name; each can be hashed and pickled."""
        return cls(tuple(sorted(arguments.items())))

    def load(self) -> DeepfakePredictor:
        """Load the predictor."""
        return DeepfakePredictor.load(**dict(self.arguments))

    def fetch(self) -> None:
        """Let DVC fetch the model, where it has to, before several processes want it."""
        fetch_named(dict(self.arguments)["model"])

    def describe(self) -> list[str]:
        """Describe what a verdict depends on beside the model itself."""
        return [f"{name}={value!r}" for name, value in self.arguments if name != "model"]


@functools.cache
def load_once(options: PredictorOptions) -> DeepfakePredictor:
    """Load a predictor, once in a process."""
    return options.load()


def analyze_quietly(item: tuple[InputTask, PredictorOptions]) -> Outcome:
    """Analyze one of many inputs, as `analyze_input` does."""
    task, options = item
    outcome = analyze_input(task, options, ignore_progress)
    add_progress(1)
    return outcome


def analyze_with_bar(task: InputTask, options: PredictorOptions) -> Outcome:
    """Analyze a single input, and show which of its frames are done."""
    total = _count_frames(task, options)
    with tqdm(total=total, desc=Path(task.shown).name, unit=" frames") as bar:

        def show(phase: str, frames_done: int) -> None:
            bar.set_postfix_str(phase, refresh=False)
            bar.update(frames_done - bar.n)

        return analyze_input(task, options, show)


def _count_frames(task: InputTask, options: PredictorOptions) -> int | None:
    """Count the frames of an input for its bar; None where that is not known before."""
    if task.problem or isinstance(task.source, str):
        return None
    try:
        return load_once(options).count_frames(task.source) or None
    except (ValueError, FileNotFoundError, PermissionError):  # told when it is analyzed
        return None


def reject_killed(item: tuple[InputTask, PredictorOptions]) -> Outcome:
    """Return the outcome of an input whose process was killed whenever it was tried."""
    task, _ = item
    reason = "the process that analyzed it was killed, perhaps for lack of memory; encode it again"
    return Outcome(task.shown, error=f"{task.shown}: {reason}")


def analyze_input(task: InputTask, options: PredictorOptions, progress: Progress) -> Outcome:
    """Analyze one input and write what is made of it; return why not where it cannot be read.

    Raises:
        ValueError: the model cannot be loaded.
        OSError: trouble of the machine.
    """
    predictor = load_once(options)
    if task.problem:
        return Outcome(task.shown, error=task.problem)
    try:
        with as_local_file(task.source) as path:
            return _analyze_file(path, task, predictor, options, progress)
    except ValueError as error:
        return Outcome(task.shown, error=str(error))


def _analyze_file(
    path: Path,
    task: InputTask,
    predictor: DeepfakePredictor,
    options: PredictorOptions,
    progress: Progress,
) -> Outcome:
    folder = ResultFolder(task.folder)
    try:
        check_regular_file(path)
        key = make_key(hash_file(path), task, predictor.model.identity, options)
        outcome = read_finished(folder, task.name, key, task.shown)
        if outcome is None:
            outcome = _write_results(path, task, predictor, folder, progress)
            write_finished(folder, task.name, key, outcome)
        return outcome
    except (FileNotFoundError, PermissionError) as error:
        if error.filename != str(path):
            raise  # about the output, not about the file
        raise ValueError(f"{task.shown}: {error.strerror.lower()}") from error
    except ValueError as error:  # a fetched file is shown by its address
        raise ValueError(str(error).replace(str(path), task.shown)) from error


def make_key(
    file_sha256: str, task: InputTask, model: ModelIdentity, options: PredictorOptions
) -> str:
    """Make the key of everything that the results of an input depend on."""
    truth = None if task.truth is None else task.truth.to_csv(index=False)
    own = [task.name, Path(task.shown).name, task.score_threshold, truth, task.has_video]
    return compute_key([SCHEMA, file_sha256, asdict(model), options.describe(), own])


def _write_results(
    path: Path,
    task: InputTask,
    predictor: DeepfakePredictor,
    folder: ResultFolder,
    progress: Progress,
) -> Outcome:
    started = time.monotonic()
    check_kind(path, task)
    with folder.writing() as out:
        target = out / task.name
        if target.resolve() == path.resolve():
            raise ValueError(f"{path}: --out is the folder it lies in; choose another")
        analysis = predictor.analyze(path, progress)
        drawing = Drawing(task.has_video, task.truth)
        if analysis.image is None:
            record = write_report(analysis, predictor.model, target, drawing, progress)
            files = [f"{task.name}/{made.name}" for made in sorted(target.iterdir())]
        else:
            record, files = {}, [task.name]
            _write_annotated_image(analysis, target, task)
    verdict = record and make_row(record, time.monotonic() - started)
    faces = list_faces(analysis, task.score_threshold)
    ended_early = analysis.frames.rejected_because
    known = (record.get("known_from_training") or {}).get("video", "")
    return Outcome(
        task.shown, verdict, faces, ended_early=ended_early, known_as=known, files=files
    )


def check_kind(path: Path, task: InputTask) -> None:
    """Check that a fetched file is what its name says: results are named by it.

    Raises:
        ValueError: an image that is named as a video, or the other way.
    """
    if isinstance(task.source, str) and is_image(path) != is_image_at(task.source):
        raise ValueError(f"{path}: named as another kind of file than it is; rename it")


def make_row(record: dict, seconds_taken: float) -> dict[str, Any]:
    """Make the row of verdicts.csv from what verdict.json holds."""
    model = record["model"]
    return {
        "answer": record["verdict"],
        "probability": record["probability"],
        "reason": record["reason"],
        "model": f"{model['name']}@{model['version'] or model['detector'][:12]}",
        "file_sha256": record["file_sha256"],
        "seconds_taken": round(seconds_taken, 1),
    }


def list_faces(analysis: VideoAnalysis, score_threshold: float) -> list[dict[str, Any]]:
    """List the faces that score enough, of analyzed frames, as rows of `FACE_ROW`."""
    faces: pd.DataFrame = choose_shown(analysis.faces, score_threshold)[FACE_ROW]
    return faces.assign(**faces[NUMBERS].astype(float).round(DIGITS)).to_dict(orient="records")


def _write_annotated_image(analysis: VideoAnalysis, target: Path, task: InputTask) -> None:
    """Write an image with the faces that score enough drawn on it."""
    shown = choose_shown(analysis.faces, task.score_threshold)
    write_image(target, draw_faces(analysis.image, shown.drop(columns="track"), task.truth))
