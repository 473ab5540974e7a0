"""Find the faces in images and videos, label each real or fake, and draw what was found.

Writes each picture and video again with boxes and scores; all faces go to faces.csv and .json.
"""

import argparse
import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from deepfake_detector.data.annotations import read_annotations
from deepfake_detector.data.tables import Refusal, write_json, write_refusals, write_table
from deepfake_detector.data.video_names import VideoNames
from deepfake_detector.data.videos import read_frames, read_header, write_video
from deepfake_detector.figures import draw_faces
from deepfake_detector.params import load_params
from deepfake_detector.prediction import (
    FACE_COLUMNS,
    find_faces,
    load_detector,
    name_labels,
)

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
FRAMES_AT_ONCE = 16
NUMBERS = [*FACE_COLUMNS, "score"]

logger = logging.getLogger("predict")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IMAGE|VIDEO|FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument(
        "--detector", type=Path, default=Path("artifacts/train/detector.keras"), metavar="FILE"
    )
    parser.add_argument(
        "--score", type=float, help="least score of a face (default: predict.score_threshold)"
    )
    parser.add_argument(
        "--annotations", type=Path, metavar="FILE", help="true faces, drawn in green"
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        refusals = predict(arguments)
    except (ValueError, OSError) as error:
        raise SystemExit(f"predict: {error}") from error
    if refusals:
        raise SystemExit(
            f"predict: {len(refusals)} inputs refused, see {arguments.out}/refused.csv"
        )


def predict(arguments: argparse.Namespace) -> list[Refusal]:
    """Look through all inputs; what cannot be read is refused, the others go on."""
    paths = list_inputs(arguments.inputs)
    score = arguments.score
    score = load_params().predict.score_threshold if score is None else score
    truth = read_truth(arguments.annotations, paths)
    detector = load_detector(arguments.detector)
    arguments.out.mkdir(parents=True, exist_ok=True)
    tables, refusals = [], []
    for path in paths:
        try:
            own_truth = None if truth is None else truth[truth["file"] == str(path)]
            tables.append(look_through(path, detector, score, own_truth, arguments.out))
        except (ValueError, OSError) as error:
            logger.error("refused: %s", error)
            refusals.append(Refusal(str(path), None, str(error)))
    write_found(tables, refusals, arguments.out)
    return refusals


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
    """Name what is drawn: images keep their name, videos become MP4."""
    return path.name if is_image(path) else f"{path.stem}.mp4"


def is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_ENDINGS


def read_truth(annotations: Path | None, paths: list[Path]) -> pd.DataFrame | None:
    """Read the true faces, with the input they belong to in `file`.

    An image may be frame 17 of a video, named `NAME_00017.jpg` as the 2020 project did.
    """
    if annotations is None:
        return None
    faces, refusals = read_annotations(annotations)
    for refusal in refusals:
        logger.warning("%s row %s: %s", refusal.file, refusal.row, refusal.reason)
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


def look_through(path: Path, detector, score: float, truth, out: Path) -> pd.DataFrame:
    """Find and draw the faces of one file: a table of `file`, `frame`, the face and its label."""
    found: list[pd.DataFrame] = []
    frames = draw_frames(path, detector, score, truth, found)
    target = out / make_out_name(path)
    if target.resolve() == path.resolve():
        raise ValueError(f"{path}: --out is the folder it lies in; choose another")
    if is_image(path):
        cv2.imwrite(str(target), cv2.cvtColor(next(frames), cv2.COLOR_RGB2BGR))
    else:
        fps, frame_count = read_header(path)
        write_video(target, tqdm(frames, path.name, frame_count or None, unit=" frames"), fps)
    table = pd.concat(found, ignore_index=True)
    table.insert(0, "file", str(path))
    logger.info("%s: %d faces in %d frames", path, len(table), len(found))
    return table


def draw_frames(path: Path, detector, score: float, truth, found: list) -> Iterator[np.ndarray]:
    """Give the frames with faces drawn; the tables of faces are added to `found`, one a frame."""
    frames = iter([(0, read_image(path))]) if is_image(path) else read_frames(path)
    while batch := list(itertools.islice(frames, FRAMES_AT_ONCE)):
        tables = find_faces(detector, [image for _, image in batch])
        for (number, image), faces in zip(batch, tables, strict=True):
            faces = name_labels(faces)
            faces = faces[faces["score"] >= score].reset_index(drop=True)
            own_truth = None if truth is None else truth[truth["frame"] == number]
            found.append(faces.assign(frame=number))
            yield draw_faces(image, faces, own_truth)


def read_image(path: Path) -> np.ndarray:
    """Read an image as uint8 RGB [height, width, 3].

    Raises:
        ValueError: it is not there or no image.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: not an image that can be read")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_found(tables: list[pd.DataFrame], refusals: list[Refusal], out: Path) -> None:
    """Write faces.csv, faces.json and refused.csv."""
    columns = ["file", "frame", "label", *NUMBERS]
    table = pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]
    table[NUMBERS] = table[NUMBERS].astype(float).round(4)
    write_table(table, out / "faces.csv")
    write_json(table.to_dict(orient="records"), out / "faces.json")
    write_refusals(refusals, out / "refused.csv")


if __name__ == "__main__":
    main()
