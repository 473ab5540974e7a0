"""Find the faces in images and videos, label each real or fake, and decide on videos.

Writes each image again with boxes and scores. Of each video it makes a folder with annotated.mp4,
report.html and verdict.json (docs/verdict.md). All detected faces go to faces.csv and faces.json.
"""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from deepfake_detector.common import cli
from deepfake_detector.common.files import write_json
from deepfake_detector.common.tables import Rejection, write_rejections, write_table
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.annotations.reader import read_annotations
from deepfake_detector.inference.analysis import VideoAnalysis
from deepfake_detector.inference.detector import FACE_COLUMNS, choose_shown
from deepfake_detector.inference.model_options import add_model_options
from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.plots.face_boxes import draw_faces
from deepfake_detector.reports.writer import write_report
from deepfake_detector.video.images import is_image, write_image
from deepfake_detector.video.media.errors import show_path
from deepfake_detector.video.names import VideoNames, list_files
from deepfake_detector.video.sampling import Sampling

NUMBERS = [*FACE_COLUMNS, "score"]

KNOWN = "%s: the model learned from this video, or nearly (%s): its verdict is no test of it"

logger = logging.getLogger("predict")


@dataclass(frozen=True)
class Output:
    """Where results go, from which score faces are drawn, and the annotated faces, if any."""

    folder: Path
    score_threshold: float
    truth: pd.DataFrame | None = None


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IMAGE|VIDEO|FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    add_model_options(parser)
    parser.add_argument(
        "--frame-stride",
        type=parse_stride,
        metavar="N",
        help="analyze every Nth frame of a video (default: predict.frame_stride, or fewer of a "
        "long one)",
    )
    parser.add_argument(
        "--score", type=float, help="least score of a face (default: predict.score_threshold)"
    )
    parser.add_argument(
        "--annotations", type=Path, metavar="FILE", help="true faces, drawn in green"
    )
    return parser.parse_args()


def parse_stride(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run("predict", lambda: run(arguments))


def run(arguments: argparse.Namespace) -> None:
    """Read what the arguments name, and analyze the inputs."""
    paths, all_params = list_inputs(arguments.inputs), load_params()
    params = all_params.predict
    score = params.score_threshold if arguments.score is None else arguments.score
    output = Output(arguments.out, score, read_truth(arguments.annotations, paths))
    sampling = Sampling(params.frame_stride, params.max_frames)
    if arguments.frame_stride is not None:
        sampling = Sampling(arguments.frame_stride)
    predictor = DeepfakePredictor.load(
        arguments.model,
        sampling,
        all_params.inference.engine,
        arguments.prevalence,
        arguments.max_false_positive_rate,
    )
    rejections = predict(paths, predictor, output)
    if rejections:
        raise SystemExit(
            f"predict: {len(rejections)} inputs rejected, see {arguments.out}/rejected.csv"
        )


def predict(paths: list[Path], predictor: DeepfakePredictor, output: Output) -> list[Rejection]:
    """Analyze all files; what cannot be read is rejected, the others go on.

    The tables are written also where it ends early, as after Ctrl-C.

    Raises:
        OSError: trouble of the machine.
    """
    output.folder.mkdir(parents=True, exist_ok=True)
    tables, rejections, taken = [], [], {}
    try:
        for path in paths:
            try:
                check_out_name(path, taken)
                tables.append(predict_file(path, predictor, output))
            except (ValueError, FileNotFoundError, PermissionError) as error:
                reason = str(error)
                if isinstance(error, OSError):
                    if error.filename != str(path):
                        raise  # about the output, not about the file
                    reason = f"{show_path(path)}: {error.strerror.lower()}"
                logger.error("rejected: %s", reason)
                rejections.append(Rejection(show_path(path), None, reason))
    finally:
        write_faces(tables, rejections, output.folder)
    return rejections


def list_inputs(inputs: list[Path]) -> list[Path]:
    """List the files to analyze; of a folder, all in it but folders and what systems leave there.

    Raises:
        ValueError: nothing there.
    """
    paths = []
    for path in inputs:
        paths.extend(list_files(path) if path.is_dir() else [path])
    if not paths:
        raise ValueError(f"no files in {', '.join(map(str, inputs))}")
    return paths


def check_out_name(path: Path, taken: dict[str, Path]) -> None:
    """Reject an input that would be written over what is made of an earlier one, and note it.

    Args:
        taken: the earlier inputs by the names of what is made of them; this one is added.
    """
    name = make_out_name(path)
    if taken.setdefault(name, path) is not path:
        raise ValueError(
            f"{path}: would become {name}, as {taken[name]} did; rename one, or use another --out"
        )


def make_out_name(path: Path) -> str:
    """Name what is made of an input: an annotated image of the same name, or a video's folder."""
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
    files = {path.name: show_path(path) for path in paths}
    names = VideoNames(files)
    found = {name: _find_or_none(names, name) for name in faces["name"].unique()}
    faces["file"] = faces["name"].map(found).map(files, na_action="ignore")
    images = {path.stem: show_path(path) for path in paths if is_image(path)}
    own_image = (faces["name"] + "_" + (faces["frame"] + 1).astype(str).str.zfill(5)).map(images)
    faces.loc[own_image.notna(), "frame"] = 0
    return faces.assign(file=own_image.fillna(faces["file"]))


def _find_or_none(names: VideoNames, name: str) -> str | None:
    try:
        return names.find(name)
    except ValueError:  # annotations of other videos are no mistake here
        return None


def predict_file(path: Path, predictor: DeepfakePredictor, output: Output) -> pd.DataFrame:
    """Analyze one file and write what is made of it.

    Returns:
        The faces that score enough, of analyzed frames: `file`, `frame`, `track`, the face and
        its label.
    """
    target = output.folder / make_out_name(path)
    if target.resolve() == path.resolve():
        raise ValueError(f"{path}: --out is the folder it lies in; choose another")
    truth = None if output.truth is None else output.truth[output.truth["file"] == show_path(path)]
    total = predictor.count_frames(path) or None
    with tqdm(total=total, desc=path.name, unit=" frames") as bar:

        def show(phase: str, frames_done: int) -> None:
            bar.set_postfix_str(phase, refresh=False)
            bar.update(frames_done - bar.n)

        analysis = predictor.analyze(path, show)
        if analysis.image is None:
            record = write_report(analysis, predictor.model, target, truth, show)
            log_verdict(analysis)
            if record["known_from_training"]:
                logger.warning(KNOWN, path, record["known_from_training"]["video"])
        else:
            write_annotated_image(analysis, target, output.score_threshold, truth)
    faces = choose_shown(analysis.faces, output.score_threshold).reset_index(drop=True)
    faces.insert(0, "file", show_path(path))
    logger.info("%s: %d faces in %d frames", path, len(faces), faces["frame"].nunique())
    return faces


def log_verdict(analysis: VideoAnalysis) -> None:
    """Log the answer on a video, and where the video breaks."""
    logger.info("%s: %s (%s)", analysis.path, analysis.verdict.answer, analysis.verdict.reason)
    if analysis.frames.rejected_because:
        logger.warning(
            "%s: analyzed as far as it can be read: %s",
            analysis.path,
            analysis.frames.rejected_because,
        )


def write_annotated_image(
    analysis: VideoAnalysis, target: Path, score_threshold: float, truth: pd.DataFrame | None
) -> None:
    """Write an image with the faces that score enough drawn on it."""
    shown = choose_shown(analysis.faces, score_threshold)
    write_image(target, draw_faces(analysis.image, shown.drop(columns="track"), truth))


def write_faces(tables: list[pd.DataFrame], rejections: list[Rejection], out: Path) -> None:
    """Write faces.csv, faces.json and rejected.csv."""
    columns = ["file", "frame", "track", "label", *NUMBERS]
    table = pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]
    table[NUMBERS] = table[NUMBERS].astype(float).round(4)
    write_table(table, out / "faces.csv")
    write_json(table.to_dict(orient="records"), out / "faces.json")
    write_rejections(rejections, out / "rejected.csv")


if __name__ == "__main__":
    main()
