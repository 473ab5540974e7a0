import pytest

from code_map import PROJECT
from deepfake_detector.config.overrides import find_key, override_params, parse_names, read_preset
from deepfake_detector.config.schema import flatten_params, parse_params

TEXT = (PROJECT / "params.yaml").read_text(encoding="utf-8")


def read(text, key):
    return flatten_params(parse_params(text))[key]


def test_words_become_names_and_values():
    words = ["--epochs", "3", "--train.batch_size=8", "--seed", "-1"]
    assert parse_names(words) == {"epochs": "3", "train.batch_size": "8", "seed": "-1"}


def test_no_words_are_no_values():
    assert parse_names([]) == {}
    assert override_params(TEXT, {}) == (TEXT, {})


def test_a_name_without_a_value_is_rejected():
    with pytest.raises(ValueError, match="--epochs: a value is missing"):
        parse_names(["--epochs"])


def test_a_word_that_is_no_name_is_rejected():
    with pytest.raises(ValueError, match="expected --name value, got 'epochs'"):
        parse_names(["epochs", "3"])


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("epochs", "train.epochs"),
        ("learning_rate", "train.schedule.learning_rate"),
        ("backbone", "detector.backbone"),
        ("schedule.name", "train.schedule.name"),
        ("seed", "seed"),
    ],
)
def test_the_last_part_of_a_name_is_enough_where_only_one_has_it(name, key):
    assert find_key(name, list(flatten_params(parse_params(TEXT)))) == key


def test_of_several_that_a_name_could_stand_for_the_one_of_train_is_meant():
    assert find_key("epochs", ["face_classifier.epochs", "train.epochs"]) == "train.epochs"


def test_a_name_that_stands_for_several_is_rejected_with_them():
    with pytest.raises(ValueError, match=r"name: could be a\.name or b\.name; give the full name"):
        find_key("name", ["a.name", "b.name", "c.surname"])


def test_an_unknown_name_is_rejected_with_all_there_are():
    with pytest.raises(
        ValueError, match=r"(?s)  train\.epochs\n.*epoch: unknown .* did you mean epochs"
    ):
        override_params(TEXT, {"epoch": "3"})


def test_the_2020_preset_is_the_2020_project():
    text, values = override_params(TEXT, read_preset("ssd300_vgg16_2020", PROJECT / "configs"))
    before, after = (flatten_params(parse_params(part)) for part in (TEXT, text))
    assert {key: after[key] for key in after if after[key] != before[key]} == {
        "train.init": "imagenet",
        "extract_frames.frame_stride": 1,
        "extract_frames.max_side_px": 4096,
        "split.train": 0.72,
        "split.validation": 0.18,
        "split.test": 0.1,
        "detector.backbone": "vgg16",
        "detector.precision": "float32",
        "train.steps_per_epoch": 11000,
        "train.batch_size": 32,
        "train.optimizer.weight_decay": 0.0,
        "train.optimizer.clip_norm": 0.0,
        "train.schedule.name": "step_decay",
        "train.schedule.learning_rate": 0.001,
        "train.loss.max_negatives_without_faces": 0.0,
        "train.validation_frames": 1000000,
        "train.augmentation.name": "ssd_2020",
        "face_classifier.enabled": False,
    }
    assert {key: after[key] for key in values} | {
        "train.epochs": 15,
        "train.optimizer.name": "adam",
        "train.schedule.milestones": [8, 12],
        "train.loss.neg_pos_ratio": 3.0,
    } == {key: after[key] for key in values}


def test_a_value_given_beside_a_preset_wins():
    values = read_preset("ssd300_vgg16_2020", PROJECT / "configs") | parse_names(["--epochs", "2"])
    text, _ = override_params(TEXT, values)
    assert read(text, "train.epochs") == 2
    assert read(text, "detector.backbone") == "vgg16"


def test_a_preset_that_is_not_there_is_rejected_with_those_there_are():
    with pytest.raises(ValueError, match=r"2019: no such preset; .*configs/ has .*2020"):
        read_preset("2019", PROJECT / "configs")


def test_values_are_written_and_read_back():
    values = {"epochs": "3", "learning_rate": "1e-5", "backbone": "vgg16", "milestones": "[2, 4]"}
    text, full = override_params(TEXT, values)
    assert full["train.schedule.learning_rate"] == "1e-5"
    assert read(text, "train.epochs") == 3
    assert read(text, "train.schedule.learning_rate") == 0.00001
    assert read(text, "detector.backbone") == "vgg16"
    assert read(text, "train.schedule.milestones") == [2, 4]
    assert len(text.splitlines()) == len(TEXT.splitlines())


def test_a_text_with_signs_of_yaml_in_it_stays_a_text():
    text, _ = override_params(TEXT, {"train.init": "../a: b #1.npz"})
    assert read(text, "train.init") == "../a: b #1.npz"


def test_a_number_as_a_text_value_stays_a_text():
    text, _ = override_params(TEXT, {"train.init": "17"})
    assert read(text, "train.init") == "17"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("epochs", "many", "train.epochs: Input should be a valid integer"),
        ("epochs", "1.5", "train.epochs: Input should be a valid integer"),
        ("epochs", "0", "train.epochs: Input should be greater than or equal to 1"),
        ("epochs", "", "train.epochs: Input should be a valid integer"),
        ("epochs", "3\nmore: 1", "train.epochs: Input should be a valid integer"),
        ("learning_rate", "true", "train.schedule.learning_rate: Input should be a valid number"),
        (
            "backbone",
            "resnet",
            "detector.backbone: Input should be 'efficientnet_lite0'",
        ),
        ("milestones", "[1, 2", "train.schedule.milestones: Input should be a valid list"),
    ],
)
def test_a_value_of_the_wrong_type_is_rejected(name, value, expected):
    with pytest.raises(ValueError, match=expected):
        override_params(TEXT, {name: value})
