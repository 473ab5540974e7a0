"""A disk without room, in the writers of every command: an error that ends the command, nothing
half-written under a final name, and the same call finishes once there is room.

`validate` and `extract_frames` are run as a whole in `test_machine_trouble`.
"""

import contextlib
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from builders import make_predictor
from clips import FACE_PX, SeesColors, make_frame, write_clip
from deepfake_detector.common.files import write_json
from deepfake_detector.common.tables import write_table
from deepfake_detector.data.annotations.annotation_writer import (
    AnnotatedVideo,
    add_video_rows,
    write_annotations,
)
from deepfake_detector.data.annotations.face_table_writers import WRITERS
from deepfake_detector.export.folders import replace_folder, write_checksums
from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.plots import style
from deepfake_detector.reports.verdict_files import write_report
from deepfake_detector.video.writing import write_video

NOISE = np.random.default_rng(3).integers(0, 255, (12, 120, 160, 3), np.uint8)
TABLE = pd.DataFrame(np.random.default_rng(4).normal(size=(2000, 4)), columns=list("abcd"))
TRACK = Track(0, np.tile([10.0, 10, 50, 50], (900, 1)), np.zeros((900, 5, 2)), 0.99)
FACES = pd.DataFrame(
    {
        "name": "clip",
        "frame": range(900),
        "left": 10.0,
        "top": 10.0,
        "right": 50.0,
        "bottom": 50.0,
        "label": "real",
        "face": "1",
    }
)


def write_splits(folder: Path) -> None:
    for name in ("train", "validation", "test"):
        write_table(TABLE, folder / f"{name}.csv")
    write_json({"train": TABLE["a"].tolist()}, folder / "summary.json")


def write_plots(folder: Path) -> None:
    figure, axes = style.make_figure(1, 1, (6, 6))
    axes[0, 0].plot(TABLE["a"], TABLE["b"])
    write_table(TABLE, folder / "plots/curve.csv")
    style.save_figure(figure, folder / "plots/curve.png")
    write_json({"test": TABLE["a"].tolist()}, folder / "metrics.json")


def write_results(folder: Path) -> None:
    clip = folder.parent / "clip.mp4"
    if not clip.is_file():
        write_clip(clip, [make_frame([("fake", FACE_PX)])] * 12)
    predictor = make_predictor(SeesColors())
    write_report(predictor.analyze(clip), predictor.model, folder / "clip")
    (folder / "clip/verdict.json").unlink()  # tells the time


def write_export(folder: Path) -> None:
    with replace_folder(folder / "export") as new:
        (new / "detector.onnx").write_bytes(NOISE.tobytes()[:100_000])
        write_checksums(new)


def write_found_faces(folder: Path) -> None:
    for form in ("clay", "csv"):
        write_annotations(folder / form, [AnnotatedVideo("clip.mp4", 900, [TRACK], [0])], form)


def write_forged(folder: Path) -> None:
    (folder / "videos").mkdir(exist_ok=True)
    write_video(folder / "videos/clip_swap.mp4", NOISE, 25)
    rows = [{"video": f"{number}.mp4", "source": "clip"} for number in range(900)]
    add_video_rows(folder / "videos.csv", rows)


def write_converted(folder: Path) -> None:
    for form, ending in {"cvat": ".xml", "coco": ".json", "yolo": "", "csv": ".csv"}.items():
        WRITERS[form](FACES, {"clip": (160, 120)}, folder / f"{form}{ending}")


COMMANDS = {
    "split": write_splits,
    "evaluate, calibrate": write_plots,
    "predict": write_results,
    "export": write_export,
    "annotate": write_found_faces,
    "forge": write_forged,
    "convert": write_converted,
}


@dataclass
class Disk:
    """A folder on a disk of so much room, or, where none may be mounted, for files so large."""

    folder: Path
    is_mounted: bool

    @contextlib.contextmanager
    def having(self, kilobytes: int):
        if self.is_mounted:
            size = f"remount,size={kilobytes}k"
            subprocess.run(["mount", "-o", size, str(self.folder)], check=True)
            yield
            return
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * kilobytes // 4, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=9m", "tmpfs", str(folder)]
    is_mounted = subprocess.run(command, capture_output=True).returncode == 0
    yield Disk(folder, is_mounted)
    if is_mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def read_final(folder: Path) -> dict[str, bytes]:
    """Read the files that are taken for done: not those whose name, or folder's, is hidden."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in names.items() if "/." not in f"/{name}"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kilobytes", [8, 60])
def test_what_has_no_room_is_not_taken_for_done_and_the_same_call_finishes(
    disk, tmp_path, command, kilobytes
):
    write, expected = COMMANDS[command], tmp_path / "expected"
    expected.mkdir()
    write(expected)
    expected = read_final(expected)
    with disk.having(kilobytes), pytest.raises(OSError, match=r"No space left|File too large"):
        write(disk.folder)
    found = read_final(disk.folder)
    assert found == {name: expected[name] for name in found}
    with disk.having(9000):
        write(disk.folder)
    assert read_final(disk.folder) == expected


@pytest.mark.parametrize("kilobytes", [60, 300, 650, 900])
def test_an_epoch_without_room_is_not_gone_on_from(disk, kilobytes):
    import keras

    from deepfake_detector.training.checkpoints import Checkpoint

    def open_checkpoint():
        network = keras.Sequential([keras.Input((100,)), keras.layers.Dense(500)])
        optimizer = keras.optimizers.Adam()
        optimizer.build(network.trainable_variables)
        checkpoint = Checkpoint(disk.folder / "train", "detector", "fingerprint")
        return checkpoint, checkpoint.restore(network, optimizer, network)

    checkpoint, _ = open_checkpoint()
    row = {"epoch": 1, "loss": 0.5}
    with disk.having(kilobytes), pytest.raises(OSError, match=r"No space left|File too large"):
        checkpoint.save(row, is_best=True)
    with disk.having(9000):
        checkpoint, done = open_checkpoint()
        assert done == 0
        checkpoint.save(row, is_best=True)
    with disk.having(1200), pytest.raises(OSError, match=r"No space left|File too large"):
        checkpoint.save({"epoch": 2, "loss": 0.4}, is_best=True)
    with disk.having(9000):
        checkpoint, done = open_checkpoint()
        assert done == 1
        checkpoint.publish(disk.folder / "train")
    assert (disk.folder / "train/history.csv").read_text().splitlines()[1:] == ["1,0.5"]
    assert keras.saving.load_model(disk.folder / "train/detector.keras").count_params() == 50_500
