import pytest

from deepfake_detector.config.yaml_edit import parse_yaml, read_yaml, replace_value

TEXT = """\
# numbers
train:
  epochs: 15       # passes
  rates: [0.1, 0.2]   # two
  shapes:          # width : height
    - [1.0, 2.0]
    - [3.0]
  name: adam
"""


@pytest.mark.parametrize("text", ["1e-05", "1E-5", "+1.0e-05", "0.00001"])
def test_small_numbers_are_numbers_as_dvc_writes_them(text):
    assert parse_yaml(f"rate: {text}") == {"rate": 0.00001}


def test_words_with_an_e_stay_words():
    assert parse_yaml("[1e, e5, 3e4x, a1e-5]") == ["1e", "e5", "3e4x", "a1e-5"]


def test_a_replaced_value_leaves_the_other_lines_alone():
    changed = replace_value(TEXT, ["train.epochs"], "3")
    assert changed == TEXT.replace("epochs: 15 ", "epochs: 3 ")


def test_a_replaced_flow_list_keeps_its_comment():
    changed = replace_value(TEXT, ["train.rates"], "[0.5]")
    assert changed == TEXT.replace("[0.1, 0.2]", "[0.5]")


def test_a_replaced_block_list_ends_where_it_ended():
    changed = replace_value(TEXT, ["train.shapes"], "[[4.0]]")
    assert parse_yaml(changed)["train"] == {
        "epochs": 15,
        "rates": [0.1, 0.2],
        "shapes": [[4.0]],
        "name": "adam",
    }
    assert "# width : height" in changed


@pytest.mark.parametrize("key", ["train.epoch", "epochs", "train.epochs.more"])
def test_a_key_that_is_not_there_is_an_error(key):
    with pytest.raises(KeyError, match=key):
        replace_value(TEXT, [key], "3")


def test_broken_yaml_is_rejected_with_its_file_and_line(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("a: [1, 2\nb: 3\n")
    with pytest.raises(ValueError, match=r"(?s)broken\.yaml: not valid YAML.*line 2"):
        read_yaml(file)


def test_an_empty_file_holds_nothing(tmp_path):
    (tmp_path / "empty.yaml").write_text("")
    assert read_yaml(tmp_path / "empty.yaml") is None
