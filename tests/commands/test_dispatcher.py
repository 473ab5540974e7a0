import sys
from types import SimpleNamespace

import pytest

from deepfake_detector.commands import dispatcher


@pytest.fixture
def score(monkeypatch):
    """Put a command in the place of `score`, and call the dispatcher with it."""

    def call(main):
        name = "deepfake_detector.commands.score"
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(main=main))
        monkeypatch.setattr(sys, "argv", ["/bin/deepfake-detector", "score", "--json", "a.csv"])
        dispatcher.main()

    return call


def test_a_command_gets_its_own_arguments(score):
    seen = []
    score(lambda: seen.extend(sys.argv))
    assert seen == ["deepfake-detector score", "--json", "a.csv"]


def lack(module):
    def main():
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    return main


def test_an_extra_that_is_not_installed_is_named_with_the_command_that_brings_it(score):
    expected = (
        r"^score: needs pyarrow, which is not installed; install the wheel with what it has for "
        r"that: pip install 'FILE\.whl\[score\]'$"
    )
    with pytest.raises(SystemExit, match=expected):
        score(lack("pyarrow"))


def test_another_module_that_is_missing_is_a_mistake_of_the_program(score):
    with pytest.raises(ModuleNotFoundError, match="numpy"):
        score(lack("numpy"))


def test_help_lists_the_commands(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["deepfake-detector", "--help"])
    with pytest.raises(SystemExit, match="0"):
        dispatcher.main()
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in dispatcher.COMMANDS)
