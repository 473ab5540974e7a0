"""Train, calibrate, measure and write the released detector from annotated folders.

  python src/release.py --data FOLDER,FOLDER --version 0.1

The folders are laid out as `data/`; their videos are joined under `work/release/`, where the
stages of the pipeline run with the values of configs/release.yaml. A stopped run goes on where it
was. Only train splits are learned from; validation chooses the epochs and calibrates; test is read
once, at the end. The heads of the face classifier are fitted after the training, on given fakes;
`--keep-networks` fits those of the last release anew and trains nothing. Its encoder, or the one
that `--encoder` names, is one more of the networks that label faces. `released/` is then tracked
with `dvc add released`.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from deepfake_detector import mlflow_tracking
from deepfake_detector.common import cli
from deepfake_detector.common.files import write_json, write_text
from deepfake_detector.common.tables import write_table
from deepfake_detector.config.overrides import override_params, read_preset
from deepfake_detector.config.schema import PARAMS_FILE, Params, parse_params
from deepfake_detector.export.folders import replace_folder
from deepfake_detector.models.released_folder import (
    ENCODER,
    MODEL,
    SUMS,
    WEIGHTS,
    check_hashes,
    list_arrays,
    read_sums,
)

PROJECT = Path(__file__).resolve().parents[1]
RELEASED = Path("released")
WORK, OUT = Path("work/release"), RELEASED
STAGES = ("validate", "extract_frames", "split")
PRESET = "release"

logger = logging.getLogger("release")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="annotated folders, joined by commas")
    parser.add_argument("--version", required=True, help="of what is released, such as 0.1")
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="FOLDER=METHOD:KIND",
        help="how the fakes of a folder were made that has no SOURCES.csv; may be repeated",
    )
    parser.add_argument(
        "--keep-networks",
        action="store_true",
        help="those of the last release: only their heads and the calibration are made anew",
    )
    parser.add_argument(
        "--encoder",
        type=Path,
        metavar="FILE",
        help="of benchmarks/convert_clip.py (default: that of the last release, if it has one)",
    )
    parser.add_argument("--note", default="", help="what else the card is to tell of its results")
    parser.add_argument("--work", type=Path, default=WORK, help="where it is made (%(default)s)")
    parser.add_argument("--out", type=Path, default=OUT, help="where it goes (%(default)s)")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    cli.run("release", lambda: release(asked), "the same command goes on where it was")


def release(asked: argparse.Namespace) -> None:
    """Make `released/` from the folders that are named.

    Raises:
        ValueError: `--encoder` names no file.
    """
    if asked.encoder is not None and not asked.encoder.is_file():
        raise ValueError(
            f"--encoder {asked.encoder}: no such file; benchmarks/convert_clip.py makes one"
        )
    folders = [Path(name) for name in asked.data.split(",")]
    methods = dict(parse_method(text) for text in asked.method)
    params = prepare(folders, methods, asked.work)
    copy_pipeline(asked.work)
    if asked.keep_networks or params.train.init == "released":
        keep_last_release(asked.work)
    if asked.keep_networks:
        check_kept(asked.work)
    commit = read_commit() if asked.keep_networks else remember_commit(asked.work)
    for stage in STAGES if asked.keep_networks else (*STAGES, "train"):
        run_stage(stage, asked.work)
    write_released(asked, params, commit)
    logger.info(
        "%s: version %s; now `dvc add released && dvc push`, commit, and `git tag v%s`, by which "
        "`--model released@%s` finds it later", asked.out, *[asked.version] * 3,
    )  # fmt: skip


def parse_method(text: str) -> tuple[str, tuple[str, str]]:
    """Read `FOLDER=METHOD:KIND`.

    Raises:
        ValueError: it has another form.
    """
    folder, _, rest = text.partition("=")
    method, _, kind = rest.partition(":")
    if not (folder and method and kind):
        raise ValueError(f"--method: expected FOLDER=METHOD:KIND, got {text!r}")
    return folder, (method, kind)


def prepare(folders: list[Path], methods: dict[str, tuple[str, str]], work: Path) -> Params:
    """Join the folders into `work/data` and write the parameters of the release beside it."""
    from deepfake_detector.data.joining import join_folders

    joined = join_folders(folders, work / "data", methods)
    logger.info("%d videos of %d folders", joined.videos, len(folders))
    for rejection in joined.rejections:
        logger.warning("%s: %s", rejection.file, rejection.reason)
    values = read_preset(PRESET, PROJECT / "configs")
    text, _ = override_params((PROJECT / PARAMS_FILE).read_text(encoding="utf-8"), values)
    write_text(text, work / PARAMS_FILE)
    return parse_params(text)


def copy_pipeline(work: Path) -> None:
    """Put `dvc.yaml` into the work folder, where `train` reads what it depends on."""
    write_text((PROJECT / "dvc.yaml").read_text(encoding="utf-8"), work / "dvc.yaml")


def keep_last_release(work: Path) -> None:
    """Copy the last release into the work folder, where `train.init: released` finds it.

    A run that goes on starts from the same one, whatever is released meanwhile.

    Raises:
        ValueError: there is none.
    """
    kept = work / RELEASED
    if kept.is_dir():
        return
    if not (PROJECT / RELEASED).is_dir():
        raise ValueError(f"{RELEASED}: not here; run `dvc pull released`, or start from imagenet")
    with replace_folder(kept) as unfinished:
        shutil.copytree(PROJECT / RELEASED, unfinished, dirs_exist_ok=True)


def check_kept(work: Path) -> None:
    """Check that the networks in the work folder are whole, and those of the last release.

    Raises:
        ValueError: they are damaged, or the folder began with an earlier release, as the one in
            which the last release was trained did.
    """
    kept, last = work / RELEASED, PROJECT / RELEASED
    check_hashes(kept, (WEIGHTS, MODEL))
    if last.is_dir() and read_sums(last / SUMS).get(WEIGHTS) != read_sums(kept / SUMS)[WEIGHTS]:
        raise ValueError(
            f"{kept}: networks of an earlier release than {RELEASED}, which this folder began "
            "with; give --work another folder"
        )


def read_commit() -> str:
    """Return the commit that is checked out."""
    return mlflow_tracking.read_git_commit(PROJECT) or "unknown"


def remember_commit(work: Path) -> str:
    """Return the commit that the training of this work folder began with."""
    path = work / "commit.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))["commit"]
    commit = read_commit()
    write_json({"commit": commit}, path)
    return commit


def run_stage(stage: str, work: Path) -> None:
    """Run a stage of the pipeline in the work folder.

    Raises:
        ValueError: it failed; it has said why.
    """
    runs = f"sqlite:///{(PROJECT / 'mlflow.db').as_posix()}"
    environment = {"MLFLOW_TRACKING_URI": runs, **os.environ}
    command = [sys.executable, str(PROJECT / f"src/{stage}.py")]
    if subprocess.run(command, cwd=work, env=environment).returncode != 0:
        raise ValueError(
            f"the stage {stage} failed in {work}; correct that and repeat the command"
        )


def write_released(asked: argparse.Namespace, params: Params, commit: str) -> None:
    """Fit heads, calibrate on validation, measure on test, and write the folder of the release."""
    from deepfake_detector.export.folders import write_checksums
    from deepfake_detector.export.inference_files import write_released_graphs
    from deepfake_detector.export.released_card import make_card_text
    from deepfake_detector.inference.engine import load_onnx
    from deepfake_detector.inference.model_folders.released import hash_networks, load_in_keras
    from deepfake_detector.models.released_weights import write_late_heads
    from deepfake_detector.training.make_release import (
        RECORD,
        calibrate_release,
        fit_heads,
        list_shards,
        make_card,
        make_record,
        measure_release,
    )

    kept = asked.work / RELEASED if asked.keep_networks else None
    record = make_record(asked.work, params, commit, kept)
    with replace_folder(asked.out) as folder:
        write_networks(folder, asked.work, params, kept)
        add_encoder(folder, asked)
        detector = load_in_keras(folder)  # as rounded there
        fit_heads(asked.work, detector.face_classifier)
        write_late_heads(folder, detector.face_classifier)
        write_released_graphs(detector, folder, list_shards(asked.work, "validation"))
        detector = load_onnx(folder)  # what is calibrated and measured is what will be used
        hashes = hash_networks(folder)
        calibration = calibrate_release(asked.work, detector, params, hashes)
        write_json(calibration.model_dump(), folder / "calibration.json")
        verdicts, results = measure_release(asked.work, detector, calibration, params, hashes)
        write_table(verdicts, folder / "test_verdicts.csv")
        write_table(results, folder / "test_results.csv")
        write_json(record, folder / RECORD)
        date = datetime.now(UTC).date().isoformat()
        card = make_card(
            asked.version, date, commit, asked.work, folder, hashes, results, asked.note
        )
        write_json(card, folder / "card.json")
        write_text(make_card_text(card), folder / "card.md")
        write_checksums(folder)


def add_encoder(folder: Path, asked: argparse.Namespace) -> None:
    """Copy the encoder that is asked for, else that of the last release, if it has one."""
    from deepfake_detector.models.released_weights import write_sums

    kept = asked.work / RELEASED
    source = asked.encoder
    if source is None and kept.is_dir() and ENCODER in list_arrays(kept):
        check_hashes(kept, (ENCODER,))
        source = kept / ENCODER
    if source is not None:
        shutil.copyfile(source, folder / ENCODER)
        write_sums(folder)


def write_networks(folder: Path, work: Path, params: Params, kept: Path | None) -> None:
    """Write the networks that were trained in the work folder, or copy those of a release."""
    from deepfake_detector.export.folders import write_checksums
    from deepfake_detector.inference.detector import load_detector
    from deepfake_detector.models.released_weights import write_released_weights

    if kept is not None:
        for name in (WEIGHTS, MODEL):
            shutil.copyfile(kept / name, folder / name)
        write_checksums(folder)
        return
    trained = load_detector(work / "artifacts/train/detector.keras")
    write_released_weights(
        folder, trained.ssd, trained.face_classifier, params.detector, params.face_classifier
    )


if __name__ == "__main__":
    main()
