"""The sample's files as they lie in the repository, whatever `data/` and data.dvc hold by now."""

import json
import shutil
from pathlib import Path

STORE = Path(__file__).resolve().parents[1] / "dvc_sample_remote/files/md5"
OF_THE_SAMPLE = "videos/franck_1.mp4"


def find_manifest() -> tuple[str, list[dict[str, str]]]:
    """Find the sample's hash and its list of files, also after somebody pushed data of his own."""
    for manifest in sorted(STORE.glob("*/*.dir")):
        files = json.loads(manifest.read_text(encoding="utf-8"))
        if OF_THE_SAMPLE in {file["relpath"] for file in files}:
            return manifest.parent.name + manifest.name, files
    raise FileNotFoundError(f"{STORE}: the sample is not there")


def copy_sample(folder: Path) -> None:
    """Copy the sample into a folder, as `dvc pull` does into `data/`."""
    for file in find_manifest()[1]:
        target = folder / file["relpath"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(STORE / file["md5"][:2] / file["md5"][2:], target)


def write_sample_record(file: Path) -> None:
    """Write a data.dvc that stands for the sample."""
    file.write_text(f"outs:\n- md5: {find_manifest()[0]}\n  hash: md5\n  path: data\n")
