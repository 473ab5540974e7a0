"""Find the faces in images and videos, label each real or fake, and decide on videos.

Writes each image again with boxes and scores. Of each video it makes a folder with annotated.mp4,
report.html and verdict.json (docs/verdict.md). All found faces go to faces.csv and faces.json.
"""

import argparse
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
from tqdm import tqdm

from deepfake_detector.common.files import write_json
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.common.tables import Rejection, write_rejections, write_table
from deepfake_detector.config.schema import PredictParams, load_params
from deepfake_detector.data.annotations.reader import read_annotations
from deepfake_detector.inference.analysis import Expert
from deepfake_detector.inference.detector import (
    FACE_COLUMNS,
    detect_faces,
    load_detector,
    name_labels,
)
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.verdict_json import hash_model
from deepfake_detector.reports.writer import ReportWriter
from deepfake_detector.verdicts.calibration import load_calibration
from deepfake_detector.video.images import is_image, read_image
from deepfake_detector.video.names import VideoNames
from deepfake_detector.video.sampling import Sampler, choose_sampler, count_frames_in_header

NUMBERS = [*FACE_COLUMNS, "score"]

logger = logging.getLogger("predict")


@dataclass(frozen=True)
class Tools:
    """What every input is analyzed with."""

    detector: Any
    files: tuple[Path, Path]  # of the detector and of its calibration
    score: float
    frame_stride: int | None
    params: PredictParams

    def make_sampler(self, path: Path) -> Sampler:
        """Choose the frames of a video: as asked for, or at most about `max_frames`."""
        if self.frame_stride is not None:
            return Sampler(self.frame_stride)
        return choose_sampler(path, self.params.frame_stride, self.params.max_frames)

    def make_examiner(self, on_progress: Callable[[str, int], None]) -> ReportWriter:
        """Make what judges a video; needs the calibration, which images do not."""
        detector, calibration = self.files
        predictor = Expert(self.detector, load_calibration(calibration))
        return ReportWriter(predictor, hash_model(detector, calibration), on_progress)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IMAGE|VIDEO|FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument(
        "--detector", type=Path, default=Path("artifacts/train/detector.keras"), metavar="FILE"
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        default=Path("artifacts/calibrate/calibration.json"),
        metavar="FILE",
        help="of this detector's scores, made by the stage `calibrate`",
    )
    parser.add_argument(
        "--every",
        type=parse_every,
        metavar="N",
        help="look at every Nth frame of a video (default: predict.every, fewer of a long one)",
    )
    parser.add_argument(
        "--score", type=float, help="least score of a face (default: predict.score_threshold)"
    )
    parser.add_argument(
        "--annotations", type=Path, metavar="FILE", help="true faces, drawn in green"
    )
    return parser.parse_args()


def parse_every(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        rejections = predict(arguments)
    except (ValueError, OSError) as error:
        raise SystemExit(f"predict: {error}") from error
    if rejections:
        raise SystemExit(
            f"predict: {len(rejections)} inputs rejected, see {arguments.out}/rejected.csv"
        )


def predict(arguments: argparse.Namespace) -> list[Rejection]:
    """Look through all inputs; what cannot be read is rejected, the others go on."""
    paths = list_inputs(arguments.inputs)
    params = load_params().predict
    score = params.score_threshold if arguments.score is None else arguments.score
    truth = read_truth(arguments.annotations, paths)
    detector, files = (
        load_detector(arguments.detector),
        (arguments.detector, arguments.calibration),
    )
    tools = Tools(detector, files, score, arguments.frame_stride, params)
    arguments.out.mkdir(parents=True, exist_ok=True)
    tables, rejections = [], []
    for path in paths:
        try:
            own_truth = None if truth is None else truth[truth["file"] == str(path)]
            tables.append(detect_in_frames(path, tools, own_truth, arguments.out))
        except (ValueError, OSError) as error:
            logger.error("rejected: %s", error)
            rejections.append(Rejection(str(path), None, str(error)))
    write_found(tables, rejections, arguments.out)
    return rejections


def list_inputs(inputs: list[Path]) -> list[Path]:
    """List the files to look through; of a folder, all its files.

    Raises:
        ValueError: nothing there, or two files would be written to the same place.
    """
    paths = []
    for path in inputs:
        paths.extend(sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path])
    if not paths:
        raise ValueError(f"no files in {', '.join(map(str, inputs))}")
    for name, group in itertools.groupby(sorted(paths, key=make_out_name), make_out_name):
        same = [str(path) for path in group]
        if len(same) > 1:
            raise ValueError(f"{' and '.join(same)} would both become {name}; name one at a time")
    return paths


def make_out_name(path: Path) -> str:
    """Name what is made of an input: a drawn image of the same name, or a video's folder."""
    return path.name if is_image(path) else path.stem


def read_truth(annotations: Path | None, paths: list[Path]) -> pd.DataFrame | None:
    """Read the true faces, with the input they belong to in `file`.

    An image may be frame 17 of a video, named `NAME_00017.jpg` as the 2020 project did.
    """
    if annotations is None:
        return None
    faces, rejections = read_annotations(annotations)
    for rejection in rejections:
        logger.warning("%s row %s: %s", rejection.file, rejection.row, rejection.reason)
    files = {path.name: str(path) for path in paths}
    names = VideoNames(files)
    found = {name: _find_or_none(names, name) for name in faces["name"].unique()}
    faces["file"] = faces["name"].map(found).map(files, na_action="ignore")
    images = {path.stem: str(path) for path in paths if is_image(path)}
    own_image = (faces["name"] + "_" + (faces["frame"] + 1).astype(str).str.zfill(5)).map(images)
    faces.loc[own_image.notna(), "frame"] = 0
    return faces.assign(file=own_image.fillna(faces["file"]))


def _find_or_none(names: VideoNames, name: str) -> str | None:
    try:
        return names.find(name)
    except ValueError:  # annotations of other videos are no mistake here
        return None


def detect_in_frames(path: Path, tools: Tools, truth, out: Path) -> pd.DataFrame:
    """Find and draw the faces of one file: a table of `file`, `frame`, the face and its label.

    A video is judged, too; what is made of it goes to a folder of its own.
    """
    target = out / make_out_name(path)
    if target.resolve() == path.resolve():
        raise ValueError(f"{path}: --out is the folder it lies in; choose another")
    if is_image(path):
        faces = look_at_image(path, tools, truth, target).assign(frame=0, track=0)
    else:
        faces = look_at_video(path, tools, truth, target)
    faces = name_labels(faces)
    faces = faces[faces["score"] >= tools.score].reset_index(drop=True)
    faces.insert(0, "file", str(path))
    logger.info("%s: %d faces in %d frames", path, len(faces), faces["frame"].nunique())
    return faces


def look_at_image(path: Path, tools: Tools, truth, target: Path) -> pd.DataFrame:
    """Find the faces of an image, and draw those that score enough."""
    image = read_image(path)
    faces = detect_faces(tools.detector, [image])[0]
    shown = faces[faces[list(FACE_LABELS)].max(axis=1) >= tools.score]
    drawn = draw_faces(image, shown, truth)
    cv2.imwrite(str(target), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    return faces


def look_at_video(path: Path, tools: Tools, truth, target: Path) -> pd.DataFrame:
    """Decide on a video and write its folder; give the faces of the frames that were analyzed."""
    sampler = tools.make_sampler(path)
    with tqdm(total=count_frames_in_header(path) or None, desc=path.name, unit=" frames") as bar:
        examiner = tools.make_examiner(lambda phase, frames: bar.update(frames - bar.n))
        record, analysis = examiner.decide_video(path, sampler, target, truth=truth)
    logger.info("%s: %s (%s)", path, record["verdict"], record["reason"])
    if analysis.problem:
        logger.warning("%s: judged as far as it can be read: %s", path, analysis.problem)
    return analysis.faces


def write_found(tables: list[pd.DataFrame], rejections: list[Rejection], out: Path) -> None:
    """Write faces.csv, faces.json and rejected.csv."""
    columns = ["file", "frame", "track", "label", *NUMBERS]
    table = pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]
    table[NUMBERS] = table[NUMBERS].astype(float).round(4)
    write_table(table, out / "faces.csv")
    write_json(table.to_dict(orient="records"), out / "faces.json")
    write_rejections(rejections, out / "rejected.csv")


if __name__ == "__main__":
    main()
