"""Train face classifiers without some of the train sources, and show them those: one table.

    python benchmarks/cross_validation.py DATA [--also DATA ...] [-P name=value ...] --keep FOLDER

DATA, --also, --videos and -P are those of quality.py, and so is the scratch copy in --keep. The
train sources that have a fake are dealt to --parts parts, those that share an identity to one. For
each part one network is trained on all other train sources, as the stage `train` does it; then it
looks at annotated faces: of the part that was left out, and of the validation split, each as it is
and worn down four ways. Test plays no part.

Printed are frame AUCs, for each part and their mean. What was scored stays in `scores.csv` in the
folder of --keep; `--against FILE` (another recipe's) adds the differences of the means, with 95 %
intervals that draw sources within each part, the same ones for both.
"""

import argparse
import dataclasses
import logging
import os
import subprocess
from pathlib import Path

import pandas as pd
from cross_validation_figures import LEFT_OUT, VALIDATION, deal_parts, make_table
from quality import add_data_arguments, compute_fingerprint, prepare

logger = logging.getLogger("cross_validation")


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    values = dict(arguments.params)
    keep = arguments.keep.resolve()
    scratch = keep / "project"
    try:
        # read first: it may be the file that this call writes
        other = None if arguments.against is None else pd.read_csv(arguments.against)
        prepare(arguments, values, scratch)
        os.chdir(scratch)
        scores = score_parts(keep / "cross_validation", arguments.parts)
        scores.to_csv(keep / "scores.csv", index=False)
        table = make_table(scores, other)
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"cross_validation: {error}") from error
    settings = ", ".join(f"{name}={value}" for name, value in values.items())
    print(settings or "params.yaml as it is")
    print(table.to_string(float_format="%.3f", na_rep=""))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_arguments(parser)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--against", type=lambda name: Path(name).resolve(), metavar="FILE")
    arguments = parser.parse_args()
    if arguments.parts < 2:
        parser.error("--parts: at least 2")
    return arguments


def score_parts(folder: Path, parts: int) -> pd.DataFrame:
    """Train without each part and score: `part, set, picture, video, source, is_fake, logit`.

    What is trained already stays in the folder.
    """
    from deepfake_detector.config.schema import load_params

    videos = {
        split: pd.read_csv(f"artifacts/split/{split}.csv", dtype=str, keep_default_na=False)
        for split in ("train", "validation")
    }
    params = load_params()
    fingerprint = compute_fingerprint(Path())
    tables = []
    for number, names in enumerate(deal_parts(videos["train"], parts, params.seed), start=1):
        is_out = videos["train"]["source"].isin(names)
        classifier = train_without(
            videos["train"][~is_out],
            videos["validation"],
            params,
            folder / f"{fingerprint}_{number}_of_{parts}",
        )
        for name, shown in (
            (LEFT_OUT, videos["train"][is_out]),
            (VALIDATION, videos["validation"]),
        ):
            table = score_videos(classifier, shown, params.face_classifier.validation_frames)
            tables.append(table.assign(part=number, set=name))
    return pd.concat(tables, ignore_index=True)


def train_without(train: pd.DataFrame, validation: pd.DataFrame, params, folder: Path):
    """Train one network on these videos, its best epoch chosen on validation."""
    from deepfake_detector.data.splits.listing import Shards
    from deepfake_detector.training.checkpoints import Checkpoint
    from deepfake_detector.training.train_classifier import FaceClassifierPlan, train_network

    sources = dict(zip(train["video"], train["source"], strict=True))
    one = params.face_classifier.model_copy(update={"ensemble_size": 1})
    start = params.train.init, params.train.finetune_fraction
    plan = FaceClassifierPlan(one, *start, sources, params.seed, folder.name)
    checkpoint = Checkpoint(folder, "face_classifier_1", plan.fingerprint)
    shards = Shards(train=list_shards(train), validation=list_shards(validation))
    return train_network(plan, 1, shards, checkpoint, log_epoch)


def list_shards(videos: pd.DataFrame) -> list[Path]:
    from deepfake_detector.data.frame_records import make_shard_path

    return [make_shard_path(Path("artifacts/extract_frames"), video) for video in videos["video"]]


def log_epoch(row: dict) -> None:
    logger.info("%s", ", ".join(f"{name} {value:.3g}" for name, value in row.items()))


def score_videos(classifier, videos: pd.DataFrame, frames: int) -> pd.DataFrame:
    """Look at annotated faces of so many frames of each video: a row a face and picture."""
    from deepfake_detector.augmentation.degradations import degrade
    from deepfake_detector.common.labels import FAKE
    from deepfake_detector.data.loading.crop_index import find_box_px, list_crops, read_crop
    from deepfake_detector.faces.crops import cut_face
    from deepfake_detector.inference.detector import classify_crops
    from deepfake_detector.training.epoch_validation import choose_crops

    sources = dict(zip(videos["video"], videos["source"], strict=True))
    crops = choose_crops(list_crops(list_shards(videos)), frames)
    faces = pd.DataFrame(
        {
            "video": [crop.video for crop in crops],
            "source": [sources[crop.video] for crop in crops],
            "is_fake": [crop.label == FAKE for crop in crops],
        }
    )
    pictures = [read_crop(crop) for crop in crops]
    boxes = [find_box_px(crop, picture) for crop, picture in zip(crops, pictures, strict=True)]
    tables = []
    for name, degradation in list_wear().items():
        worn = [degrade(picture, degradation) for picture in pictures]
        cut = [
            cut_face(picture, box, classifier.crop_scale, classifier.crop_px)
            for picture, box in zip(worn, boxes, strict=True)
        ]
        tables.append(faces.assign(picture=name, logit=classify_crops(classifier, cut)))
    return pd.concat(tables, ignore_index=True)


def list_wear() -> dict:
    """List what happens to the pictures, by name; their sizes stay."""
    from deepfake_detector.augmentation.degradations import NOTHING

    return {
        "as it is": NOTHING,
        "H.264 CRF 30": dataclasses.replace(NOTHING, crf=30),
        "half the size": dataclasses.replace(NOTHING, scale=0.5),
        "blur of 1 px": dataclasses.replace(NOTHING, blur=1.0),
        "noise, sigma 5": dataclasses.replace(NOTHING, noise=5.0),
    }


if __name__ == "__main__":
    main()
