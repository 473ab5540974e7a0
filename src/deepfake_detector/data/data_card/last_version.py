"""The data card of the last version of the data: the newest commit's whose data are others.

DVC's lock file, committed, names the card of each commit, and DVC's cache holds it. So the last
version is the same before and after the new one is committed.
"""

import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfake_detector.config.yaml_edit import parse_yaml

logger = logging.getLogger(__name__)

MAX_COMMITS = 100
"""Commits of the lock file that are looked at, the newest first."""

_LOCK = "dvc.lock"


def find_last_card(path: Path, version: str) -> tuple[str, dict[str, Any]] | None:
    """Find the data card of the last version of the data.

    Args:
        path: of the card below the folder that DVC and git work in.
        version: of the data now, which is passed over.

    Returns:
        The commit, 12 digits, and the card; None where no commit has another version, or none
        whose card is in DVC's cache or remote.
    """
    for commit in _list_commits_with_other_cards(path):
        card = _read_card(path, commit)
        if card is not None and card["version"] != version:
            return commit[:12], card
    return None


def _list_commits_with_other_cards(path: Path) -> Iterator[str]:
    """Yield the newest commit of each card, those of the last `MAX_COMMITS` of the lock file."""
    seen = set()
    commits = _ask_git("log", f"--max-count={MAX_COMMITS}", "--format=%H", "--", _LOCK)
    for commit in commits.splitlines():
        digest = _find_digest(path, _ask_git("show", f"{commit}:./{_LOCK}"))
        if digest and digest not in seen:
            seen.add(digest)
            yield commit


def _find_digest(path: Path, lock: str) -> str | None:
    stages = (parse_yaml(lock) or {}).get("stages") or {}
    outs = [out for stage in stages.values() for out in stage.get("outs", [])]
    return next((out.get("md5") for out in outs if out["path"] == path.as_posix()), None)


def _read_card(path: Path, commit: str) -> dict[str, Any] | None:
    import dvc.api  # takes a second
    from dvc.exceptions import DvcException

    try:
        return json.loads(dvc.api.read(path.as_posix(), rev=commit, encoding="utf-8"))
    except (DvcException, OSError) as error:
        logger.warning(
            "the data card of commit %s is in neither DVC's cache nor its remote (%s); `dvc pull` "
            "may bring it", commit[:12], error,
        )  # fmt: skip
        return None


def _ask_git(*question: str) -> str:
    """Ask git; nothing where there is no git, no repository or no such file."""
    try:
        answer = subprocess.run(["git", *question], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout
