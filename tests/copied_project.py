"""A copy of the project with a few clips and a short training, for tests that run all of it."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deepfake_detector.config.overrides import override_params

PROJECT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

CLIPS = (
    *("franck_1", "franck_1_swap", "franck_3"),
    *("webcam_1", "webcam_1_swap"),
    *("carphone", "carphone_swap"),
)
"""Train, validation and test in the sample's `videos.csv`; franck_3 is annotated in the CSV."""

SHORT = {
    "extract_frames.frame_stride": "10",
    "train.epochs": "2",
    "train.steps_per_epoch": "2",
    "train.batch_size": "2",
    "face_classifier.crop_px": "64",
    "face_classifier.ensemble_size": "1",
    "face_classifier.epochs": "1",
    "face_classifier.max_steps_per_epoch": "2",
    "face_classifier.pairs_per_batch": "2",
    "face_classifier.validation_frames": "2",
    "evaluate.n_bootstrap": "20",
    "evaluate.examples": "2",
}


class CopiedProject:
    """A folder with the project's files in a git repository of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environments = folder.with_name("environments")

    def run(self, *command: str) -> str:
        """Run a command in the project's environment; give what it says. It must succeed."""
        finished = self.try_run(*command)
        said = finished.stdout + finished.stderr
        assert finished.returncode == 0, f"{' '.join(command)}\n{said}"
        return said

    def try_run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, cwd=self.folder, env=self.make_environment(), capture_output=True, text=True
        )

    def make_environment(self) -> dict[str, str]:
        """Give the environment of the project's commands."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "DVC", "GIT"))}
        return {
            **kept,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_ENV_ROOT": str(self.environments),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DVC_NO_ANALYTICS": "true",
        }

    def write_params(self, values: dict[str, str]) -> None:
        file = self.folder / "params.yaml"
        file.write_text(override_params(file.read_text(), values)[0])


def copy_project(folder: Path) -> CopiedProject:
    """Copy the project's files, tracked or new, and commit them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, folder / name)
    project = CopiedProject(folder)
    project.run("git", "init", "-q")
    project.run("git", "config", "user.name", "Tests")
    project.run("git", "config", "user.email", "tests@localhost")
    commit(project)
    return project


def commit(project: CopiedProject) -> None:
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "As copied")


def keep_few_clips(data: Path) -> None:
    """Remove the other clips of the sample, and what is said of them."""
    for video in (data / "videos").iterdir():
        if video.stem not in CLIPS:
            video.unlink()
    exports = data / "annotations/clay_sciences.json"
    entries = json.loads(exports.read_text())
    exports.write_text(json.dumps([e for e in entries if Path(e["Labeled Data"]).stem in CLIPS]))
    _keep_rows(data / "annotations/project_2020.csv", lambda row: row["frame"].rsplit("_", 1)[0])
    _keep_rows(data / "videos.csv", lambda row: Path(row["video"]).stem)


def _keep_rows(file: Path, name_clip) -> None:
    with file.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows, columns = [row for row in reader if name_clip(row) in CLIPS], reader.fieldnames
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
