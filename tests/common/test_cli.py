import pytest

from code_map import PROJECT
from deepfake_detector.common import cli


def fail(error):
    raise error


@pytest.mark.parametrize(
    "error", [ValueError("row 12 is empty"), FileNotFoundError("row 12 is empty")]
)
def test_expected_error_is_one_line_and_exit_code_1(error):
    with pytest.raises(SystemExit, match=r"^split: row 12 is empty$"):
        cli.run("split", lambda: fail(error))


def test_unexpected_error_keeps_its_traceback():
    with pytest.raises(KeyError):
        cli.run("split", lambda: fail(KeyError("frames")))


def test_interruption_is_exit_code_130_and_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.run("train", lambda: fail(KeyboardInterrupt()), when_stopped="run it again")
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "train: stopped; run it again\n"


def test_command_that_ends_well_raises_nothing():
    done = []
    cli.run("train", lambda: done.append("trained"))
    assert done == ["trained"]


@pytest.mark.parametrize("script", sorted((PROJECT / "src").glob("*.py")), ids=lambda p: p.stem)
def test_every_command_ends_in_the_same_way(script):
    text = script.read_text(encoding="utf-8")
    assert text.count("cli.run(") == 1
    assert "except KeyboardInterrupt" not in text
