"""Where a result comes from: the code's commit in git, and DVC's hashes of the data."""

import subprocess
from pathlib import Path

from deepfake_detector.common.artifacts import CODE_LISTS
from deepfake_detector.config.yaml_edit import read_yaml

RECORDS = (":(exclude)dvc.lock", ":(exclude)*.dvc")
"""Left out of the changed files: DVC rewrites them as it runs, and their hashes stand beside."""


def read_git_commit(folder: Path = Path()) -> str | None:
    """Read the commit that is checked out; None outside of git or before the first commit."""
    return _ask_git(folder, "rev-parse", "--verify", "HEAD")


def list_changed_files(folder: Path = Path()) -> list[str]:
    """List the tracked files that differ from the commit, without DVC's own records."""
    return (
        _ask_git(folder, "diff", "--name-only", "HEAD", "--", ".", *RECORDS) or ""
    ).splitlines()


def _ask_git(folder: Path, *question: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *question], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return None
    return answer.stdout.strip()


def hash_dvc_inputs(stage: str, folder: Path = Path()) -> dict[str, str]:
    """Look up DVC's hashes of a stage's data: what `.dvc` files and earlier stages put there.

    Its code is named by the git commit instead.

    Returns:
        Hashes by path. A dependency that DVC has not recorded yet is left out.
    """
    pipeline = read_yaml(folder / "dvc.yaml")["stages"]
    made = _read_hashes(folder)
    deps = pipeline[stage].get("deps", [])
    return {dep: made[dep] for dep in deps if dep in made and not dep.startswith(CODE_LISTS)}


def _read_hashes(folder: Path) -> dict[str, str]:
    records = [read_yaml(path) for path in sorted(folder.glob("*.dvc")) if path.is_file()]
    if (folder / "dvc.lock").is_file():
        records += (read_yaml(folder / "dvc.lock").get("stages") or {}).values()
    outs = [out for record in records for out in record.get("outs", [])]
    return {out["path"]: out["md5"] for out in outs if "md5" in out}
