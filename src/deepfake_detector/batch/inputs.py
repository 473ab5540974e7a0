"""What is analyzed: files, folders of files and addresses, each with the name of its results."""

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from deepfake_detector.common.addresses import Place, list_address, name_of
from deepfake_detector.video.images import is_image
from deepfake_detector.video.media.errors import show_path
from deepfake_detector.video.names import check_video_name, is_left_by_system, list_files


@dataclass(frozen=True)
class Output:
    """Where results go, from which score faces are drawn, and the annotated faces, if any.

    `has_video` is false where videos are not drawn.
    """

    folder: Place
    score_threshold: float
    truth: pd.DataFrame | None = None
    has_video: bool = True


@dataclass(frozen=True)
class InputTask:
    """A file to be analyzed.

    Attributes:
        source: where it lies.
        shown: its name in tables and messages.
        name: of what is made of it: an image of the same name, or a video's folder.
        folder: where that goes.
        score_threshold: least score of a face that is drawn and listed.
        truth: its annotated faces, or None.
        has_video: whether a video is drawn.
        problem: why it cannot be analyzed; empty where nothing is known against it.
    """

    source: Place
    shown: str
    name: str
    folder: Place
    score_threshold: float
    truth: pd.DataFrame | None = None
    has_video: bool = True
    problem: str = ""


def list_inputs(inputs: Iterable[Place]) -> list[Place]:
    """List the files to analyze; of a folder, all in it but folders and what systems leave there.

    Raises:
        ValueError: nothing there, or an address that cannot be reached.
    """
    places, inputs = [], list(inputs)
    for place in inputs:
        if isinstance(place, str):
            places.extend(p for p in list_address(place) if not is_left_by_system(name_of(p)))
        else:
            places.extend(list_files(place) if place.is_dir() else [place])
    if not places:
        raise ValueError(f"no files in {', '.join(map(str, inputs))}")
    return places


def plan_inputs(places: list[Place], output: Output) -> list[InputTask]:
    """Make the task of each input; one that would be written over an earlier one has a problem."""
    taken: dict[str, Place] = {}
    return [_plan_input(place, output, taken) for place in places]


def _plan_input(place: Place, output: Output, taken: dict[str, Place]) -> InputTask:
    shown, truth = show_place(place), output.truth
    own = None if truth is None else truth[truth["file"] == shown]
    name, problem = "", ""
    try:
        name = make_out_name(place)
        if taken.setdefault(name, place) is not place:
            problem = (
                f"{place}: would become {name}, as {taken[name]} did; rename one, or use another "
                "--out"
            )
    except ValueError as error:
        problem = str(error)
    except PermissionError as error:
        problem = f"{shown}: {error.strerror.lower()}"
    return InputTask(
        place, shown, name, output.folder, output.score_threshold, own, output.has_video, problem
    )


def show_place(place: Place) -> str:
    """Return the place of an input as it stands in tables."""
    return place if isinstance(place, str) else show_path(place)


def make_out_name(place: Place) -> str:
    """Name what is made of an input: an annotated image of the same name, or a video's folder.

    Raises:
        ValueError: an address whose last part is no plain name of a file.
    """
    name = name_of(place)
    if isinstance(place, str):
        check_video_name(name)
    return name if is_image_at(place) else PurePosixPath(name).stem


def is_image_at(place: Place) -> bool:
    """Tell whether an image lies at a place, at an address by its name."""
    if isinstance(place, Path):
        return is_image(place)
    return (mimetypes.guess_type(name_of(place))[0] or "").startswith("image/")
