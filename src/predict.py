"""Find the faces in images and videos, label each real or fake, and decide on videos.

Writes each image again with boxes and scores. Of each video it makes a folder with annotated.mp4,
report.html and verdict.json (docs/verdict.md). All verdicts go to verdicts.csv, all detected faces
to faces.csv and faces.json. Several videos are analyzed at once; the same command goes on where it
was stopped. Inputs and results may lie elsewhere, as s3://bucket/folder (docs/scale.md).
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import pandas as pd

from deepfake_detector.batch.analyze_input import PredictorOptions
from deepfake_detector.batch.inputs import (
    Output,
    is_image_at,
    list_inputs,
    plan_inputs,
    show_place,
)
from deepfake_detector.batch.run import analyze_all
from deepfake_detector.common import cli
from deepfake_detector.common.addresses import Place, name_of, parse_place
from deepfake_detector.common.worker_options import add_worker_options, read_workers
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.annotations.reader import read_annotations
from deepfake_detector.inference.model_folders.model_options import add_model_options
from deepfake_detector.inference.predictor import make_sampling
from deepfake_detector.video.names import VideoNames

logger = logging.getLogger("predict")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", type=parse_place, metavar="IMAGE|VIDEO|FOLDER")
    parser.add_argument("--out", type=parse_place, required=True, help="folder for what is made")
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
    parser.add_argument(
        "--no-video",
        action="store_true",
        help="judge alone: of a video write no annotated.mp4 and no heat maps",
    )
    add_worker_options(parser, "videos analyzed at once (default: as cores and memory allow)")
    return parser.parse_args()


def parse_stride(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cli.run(
        "predict",
        lambda: run(arguments),
        when_stopped="what is done is kept, the same command goes on",
    )


def run(arguments: argparse.Namespace) -> None:
    """Read what the arguments name, and analyze the inputs."""
    places, all_params = list_inputs(arguments.inputs), load_params()
    params = all_params.predict
    score = params.score_threshold if arguments.score is None else arguments.score
    truth = read_truth(arguments.annotations, places)
    output = Output(arguments.out, score, truth, not arguments.no_video)
    sampling = make_sampling(params)
    if arguments.frame_stride is not None:
        sampling = replace(sampling, frame_stride=arguments.frame_stride, max_frames=None)
    options = PredictorOptions.of(
        model=arguments.model,
        sampling=sampling,
        engine=all_params.inference.engine,
        prevalence=arguments.prevalence,
        max_false_positive_rate=arguments.max_false_positive_rate,
    )
    workers = read_workers(arguments, share_cores=True)
    rejected = analyze_all(plan_inputs(places, output), options, workers, output)
    if rejected:
        inputs = "input" if rejected == 1 else "inputs"
        raise SystemExit(
            f"predict: {rejected} {inputs} rejected, see {arguments.out}/rejected.csv"
        )


def read_truth(annotations: Path | None, places: list[Place]) -> pd.DataFrame | None:
    """Read the true faces, with the input they belong to in `file`.

    An image may be frame 17 of a video, named `NAME_00017.jpg` as the 2020 project did.
    """
    if annotations is None:
        return None
    faces, rejections = read_annotations(annotations)
    for rejection in rejections:
        logger.warning("%s row %s: %s", rejection.file, rejection.row, rejection.reason)
    files = {name_of(place): show_place(place) for place in places}
    names = VideoNames(files)
    found = {name: _find_or_none(names, name) for name in faces["name"].unique()}
    faces["file"] = faces["name"].map(found).map(files, na_action="ignore")
    images = {
        Path(name_of(place)).stem: show_place(place) for place in places if is_image_at(place)
    }
    own_image = (faces["name"] + "_" + (faces["frame"] + 1).astype(str).str.zfill(5)).map(images)
    faces.loc[own_image.notna(), "frame"] = 0
    return faces.assign(file=own_image.fillna(faces["file"]))


def _find_or_none(names: VideoNames, name: str) -> str | None:
    try:
        return names.find(name)
    except ValueError:  # annotations of other videos are no mistake here
        return None


if __name__ == "__main__":
    main()
