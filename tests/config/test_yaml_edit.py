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


@pytest.mark.parametrize("value", ["2020-99-99", "2020-01-01", "2020-01-01 25:61:00"])
def test_a_date_is_a_text(value):
    assert parse_yaml(f"a: {value}") == {"a": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 1", "a: is there twice, on line 1 and on line 3"),
        ("{a: 1, a: 1}", "a: is there twice"),
        ("x:\n  a: 1\n  'a': 2", "a: is there twice, on line 2 and on line 3"),
        ("seed: !!timestamp abc", r"seed: a tag \(!\) on line 1"),
        ("seed: !!bool xyz", r"seed: a tag \(!\) on line 1"),
        ("seed: !!int ''", r"seed: a tag \(!\) on line 1"),
        ("a: 1\nseed: ! x", r"seed: a tag \(!\) on line 2"),
        ("- !!python/object/apply:os.system [ls]", r"a tag \(!\) on line 1"),
        ("a: &x [1]", r"a: an anchor \(&\) on line 1"),
        ("a: *x", r"a: an alias \(\*\) on line 1"),
        ("%YAML 1.1\n---\na: 1", r"a directive \(%\) on line 1"),
        ("[" * 5000, "nested too deeply"),
        ("a: " * 5000, "not valid YAML"),
        ("a: 0b_", "invalid literal"),
        ("a: " + "9" * 5000, "digits"),
        ("a: \0", "not valid YAML"),
        ("? [1]\n: 2", "not valid YAML"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("a: '" + "x" * (1 << 20) + "'", "over 1048576 characters"),
    ],
)
def test_what_no_parameter_needs_is_rejected_by_key_or_line(text, message):
    with pytest.raises(ValueError, match=message):
        parse_yaml(text)


def test_aliases_of_aliases_are_rejected_before_they_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with pytest.raises(ValueError, match="a0: an anchor"):
        parse_yaml("\n".join(lines))


def test_a_file_that_is_no_text_is_rejected_with_its_name(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(ValueError, match=r"params\.yaml: not UTF-8 text"):
        read_yaml(tmp_path / "params.yaml")
