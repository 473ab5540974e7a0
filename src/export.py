"""Export the trained detector: SavedModel, ONNX, LiteRT, in real numbers and 8-bit integers.

Every file is compared with Keras on validation frames; checksums and a model card lie beside them.
Nothing is written unless all went well.
"""

import argparse
import json
import logging
from pathlib import Path

import pandas as pd

from deepfake_detector.common import cli
from deepfake_detector.common.artifacts import (
    DETECTOR,
    EVALUATED,
    EXPORTED,
    SPLIT_TABLES,
    VALIDATED,
)
from deepfake_detector.common.files import hash_file, write_text
from deepfake_detector.common.tables import read_table
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.data.splits.listing import list_shards
from deepfake_detector.export.folders import replace_folder, write_checksums

METRICS = EVALUATED / "metrics.json"

logger = logging.getLogger("export")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logger.setLevel(logging.INFO)
    cli.run("export", lambda: export(load_params()))


def export(params: Params) -> None:
    """Export `artifacts/train/detector.keras`, and the face classifier beside it."""
    from deepfake_detector.inference.detector import load_detector
    from deepfake_detector.models.ssd.precision import fit_precision

    detector = load_detector(DETECTOR)
    fit_precision(detector.ssd, "float32")  # as the files are
    with replace_folder(EXPORTED) as folder:
        classifier_text = export_face_classifier(detector.face_classifier, params, folder)
        content = export_ssd(detector.ssd, params, folder)
        write_card(content, classifier_text, folder)
        write_checksums(folder)
    logger.info("%s: all formats, model card and checksums", EXPORTED)


def export_face_classifier(classifier, params: Params, folder: Path) -> str:
    """Write and check the face classifier's files; give what the card says of them."""
    if classifier is None:
        return ""
    from deepfake_detector.export.formats import check_face_classifier, write_face_classifier
    from deepfake_detector.export.model_card import describe_classifier
    from deepfake_detector.export.sample_frames import read_crops

    write_face_classifier(classifier, folder)
    shards = list_shards("validation")
    crops = read_crops(shards, params.export.frames, classifier.crop_scale, classifier.crop_px)
    differences = check_face_classifier(classifier, crops, folder)
    logger.info("face classifier: written, logits of %d crops compared", len(crops))
    return describe_classifier(classifier, max(differences.values()))


def export_ssd(detector, params: Params, folder: Path) -> dict:
    """Write and check the detector's files; give what the card tells of that."""
    from deepfake_detector.export.formats import (
        INTEGER_RUNNERS,
        check_detector,
        write_detector,
    )
    from deepfake_detector.export.sample_frames import make_tables, read_frames
    from deepfake_detector.metrics import mean_average_precision

    size_px, count = detector.input_shape[1], params.export.frames
    calibration, _ = read_frames(list_shards("train"), count, size_px)
    write_detector(detector, calibration, folder)
    shards = list_shards("validation")
    images, sources = read_frames(shards, count, size_px)
    expected = detector.predict(images, batch_size=params.train.batch_size, verbose=0)
    agreements = check_detector(expected, images, folder)
    found = {name: run(folder / name, images) for name, run in INTEGER_RUNNERS.items()}
    iou_threshold = params.evaluate.iou_threshold
    maps = {
        name: mean_average_precision(*make_tables(part, sources, shards), iou_threshold)["map_50"]
        for name, part in {"Keras": expected, **found}.items()
    }
    for name, agreement in agreements.items():
        logger.info("%s: %d faces, %d differ", name, agreement.faces, agreement.different)
    for name, value in maps.items():
        logger.info("%s: mAP %.4f", name, value)
    max_detections = expected["boxes"].shape[1]
    return {
        "size_px": size_px,
        "max_detections": max_detections,
        "agreements": agreements,
        "maps": maps,
    }


def write_card(measured: dict, classifier_text: str, folder: Path) -> None:
    """Write the model card."""
    from deepfake_detector.export.model_card import CardContent, make_card

    content = CardContent(
        digest=hash_file(DETECTOR),
        splits=json.loads((SPLIT_TABLES / "summary.json").read_text()),
        metrics=json.loads(METRICS.read_text())["test"] if METRICS.is_file() else None,
        licences=list_licences(),
        **measured,
    )
    write_text(make_card(content, classifier_text), folder / "model_card.md")


def list_licences() -> list[str]:
    """List the licences of the videos trained on."""
    videos: pd.DataFrame = read_table(VALIDATED / "videos.csv")
    trained = videos["video"].isin(read_table(SPLIT_TABLES / "train.csv")["video"])
    return sorted(set(videos.loc[trained, "licence"]))


if __name__ == "__main__":
    main()
