"""Train on a data folder and measure, in a scratch copy of the project: one table.

    python benchmarks/quality.py DATA [--also DATA ...] [-P name=value ...] [--seeds 3]

DATA is in the user's layout (videos/, annotations/, videos.csv). Folders named after --also join
the training, validation and test by their videos.csv; each folder has its own part of the table.
-P sets a value of params.yaml, by dotted name or by a last part that only one has. The split is
dealt once; --seeds trainings differ in their seed alone. Figures are means of the seeds; the 95 %
intervals draw sources, the same ones for all seeds.

Recipes are compared with `--split validation` (the default). `--split test` is for the chosen one,
once. Verdicts are calibrated on validation in both cases; a validation video is then judged by a
calibration on the other sources.

With `--keep FOLDER` shards and finished trainings stay there, and the same command, or one with
--split test, trains nothing again. `--against FILE` (a draws.npz that another call left in its
folder) adds the differences of the two recipes. docs/results.md has the results.
"""

import argparse
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from quality_data import copy_code, join_folders
from quality_figures import Recipe, make_table, measure_recipe

PROJECT = Path(__file__).resolve().parents[1]
SPLITS = ("validation", "test")

logger = logging.getLogger("quality")


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    values = dict(arguments.params)
    with tempfile.TemporaryDirectory() as temporary:
        keep = (arguments.keep or Path(temporary)).resolve()
        scratch = keep / "project"
        try:
            # read first: it may be the file that this call writes
            other = None if arguments.against is None else Recipe.load(arguments.against)
            folders = prepare(arguments, values, scratch)
            trained = [train(scratch, keep / "trained", seed) for seed in range(arguments.seeds)]
        except (ValueError, OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"quality: {error}") from error
        os.chdir(scratch)
        recipe = measure_recipe(folders, trained, arguments.split)
        recipe.save(keep / "draws.npz")
        settings = ", ".join(f"{name}={value}" for name, value in values.items())
        print(f"{settings or 'params.yaml as it is'}; {arguments.split}")
        print(make_table(recipe, other))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_arguments(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--split", choices=SPLITS, default="validation")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--against", type=lambda name: Path(name).resolve(), metavar="FILE")
    return parser.parse_args()


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `prepare` needs: data folders, their list of videos, values of params.yaml."""
    parser.add_argument("data", type=Path)
    parser.add_argument("--also", type=Path, nargs="+", default=[], metavar="DATA")
    parser.add_argument(
        "--videos", type=Path, metavar="FILE", help="rows for the joined videos.csv"
    )
    parser.add_argument(
        "-P", dest="params", type=parse_value, action="append", default=[], metavar="NAME=VALUE"
    )


def parse_value(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value


def prepare(arguments: argparse.Namespace, values: dict[str, str], scratch: Path) -> dict:
    """Bring code, data and shards to the scratch copy; give the videos of each folder."""
    scratch.mkdir(parents=True, exist_ok=True)
    copy_code(PROJECT, scratch)
    sys.path.insert(0, str(scratch / "src"))  # measured with the code that trains
    from deepfake_detector.config.overrides import override_params

    params = scratch / "params.yaml"
    # the released detector has seen people of many folders: metrics of it would be too good
    values = {"train.init": "imagenet"} | values
    params.write_text(override_params(params.read_text(), values)[0])
    shutil.rmtree(scratch / "data", ignore_errors=True)
    folders = join_folders([arguments.data, *arguments.also], arguments.videos, scratch / "data")
    for stage in ("validate", "extract_frames", "split"):
        run_stage(stage, scratch)
    return folders


def run_stage(stage: str, scratch: Path) -> None:
    """Run a stage as `dvc repro` would; what it prints goes to stderr, the table to stdout."""
    command = [sys.executable, f"src/{stage}.py"]
    subprocess.run(command, cwd=scratch, stdout=sys.stderr, check=True)


def train(scratch: Path, folder: Path, number: int) -> Path:
    """Train with the seed of params.yaml + `number`; give the folder with what came out.

    `minutes.json` in it says how long it took. A training that is there already is kept.
    """
    from deepfake_detector.config.overrides import override_params
    from deepfake_detector.config.schema import load_params

    params = scratch / "params.yaml"
    before = params.read_text()
    seed = load_params(params).seed + number
    params.write_text(override_params(before, {"seed": str(seed)})[0])
    try:
        out = folder / compute_fingerprint(scratch)
        if not (out / "minutes.json").is_file():
            started = time.monotonic()
            run_stage("train", scratch)
            minutes = (time.monotonic() - started) / 60
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(scratch / "artifacts/train", out)
            shutil.copyfile(params, out / "params.yaml")
            (out / "minutes.json").write_text(json.dumps(minutes))
        logger.info("seed %d: %s", seed, out)
    finally:
        params.write_text(before)
    return out


def compute_fingerprint(scratch: Path) -> str:
    """Hash all that `train` depends on: its code, and by dvc.yaml shards, splits, parameters."""
    from deepfake_detector.common.artifacts import CODE_LISTS
    from deepfake_detector.common.used_code import hash_used_code
    from deepfake_detector.config.schema import flatten_params, load_params
    from deepfake_detector.config.yaml_edit import parse_yaml

    stage = parse_yaml((scratch / "dvc.yaml").read_text())["stages"]["train"]
    values = flatten_params(load_params(scratch / "params.yaml"))
    used = {
        key: value
        for key, value in values.items()
        if any(f"{key}.".startswith(f"{name}.") for name in stage["params"])
    }
    code = hash_used_code(PROJECT / "src/train.py")
    digest = hashlib.sha256(json.dumps([used, code], sort_keys=True).encode())
    for dep in stage["deps"]:
        path = scratch / dep
        if dep.startswith(CODE_LISTS) or not path.exists():  # nothing released starts this
            continue
        path = path / "fingerprints.json" if path.is_dir() else path  # vouches for the shards
        digest.update(dep.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
