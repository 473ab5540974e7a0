"""In a folder of git and DVC of their own, whose lock file and cache are written as DVC does."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from deepfake_detector.data.data_card.last_version import find_last_card

CARD = Path("artifacts/split/data_card.json")
PIPELINE = f"stages: {{split: {{cmd: make it, outs: [{CARD}]}}}}"
LOCK = """schema: '2.0'
stages:
  split:
    cmd: make it
    outs:
    - path: {path}
      hash: md5
      md5: {digest}
      size: {size}
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def find_cached(content):
    digest = hashlib.md5(content.encode()).hexdigest()
    return digest, Path(".dvc/cache/files/md5", digest[:2], digest[2:])


def make_card(version, **more):
    return json.dumps({"version": version} | more)


def commit_card(content):
    digest, path = find_cached(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    Path("dvc.lock").write_text(LOCK.format(path=CARD, digest=digest, size=len(content)))
    run("git", "add", "dvc.lock", "dvc.yaml", ".dvc/config")
    run("git", "commit", "-q", "-m", "a version")
    return run("git", "rev-parse", "HEAD")[:12]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("git", "init", "-q")
        run("git", "config", "user.name", "Tests")
        run("git", "config", "user.email", "tests@localhost")
        Path(".dvc").mkdir()
        Path(".dvc/config").touch()
        Path("dvc.yaml").write_text(PIPELINE)
        cards = make_card("one"), make_card("two"), make_card("two", again=1)
        yield [commit_card(card) for card in cards]


def test_a_new_version_follows_the_newest_commit(project):
    commit, card = find_last_card(CARD, "three")
    assert (commit, card["version"]) == (project[2], "two")


def test_a_version_that_is_committed_follows_the_one_before_it(project):
    commit, card = find_last_card(CARD, "two")
    assert (commit, card["version"]) == (project[0], "one")


def test_a_card_that_is_gone_from_the_cache_is_passed_over(project, caplog):
    commit_card(gone := make_card("three"))
    find_cached(gone)[1].unlink()
    commit, card = find_last_card(CARD, "four")
    assert (commit, card["version"]) == (project[2], "two")
    assert "is in neither DVC's cache nor its remote" in caplog.text


def test_the_first_version_and_a_folder_without_git_have_no_last_one(
    project, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert find_last_card(CARD, "one") is None
