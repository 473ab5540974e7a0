from pathlib import Path

import pytest
from pydantic import ValidationError

from deepfake_detector.config.schema import flatten_params, load_params

PROJECT_FILE = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def changed(tmp_path):
    """Give a copy of the project's parameters with one text replaced by another."""

    def change(before, after):
        text = PROJECT_FILE.read_text(encoding="utf-8")
        assert text.count(before) == 1, before
        path = tmp_path / "params.yaml"
        path.write_text(text.replace(before, after), encoding="utf-8")
        return path

    return change


def test_the_projects_own_parameters_are_read_and_frozen():
    params = load_params(PROJECT_FILE)
    assert params.detector.image_size_px == 300
    with pytest.raises(ValidationError, match="frozen"):
        params.train.epochs = 1


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("  epochs: 15", "  epoch: 15", r"params\.yaml: train\.epochs: missing key; add it"),
        ("  epochs: 15", "  epoch: 15", r"params\.yaml: train\.epoch: unknown key"),
        ("  epochs: 15", "  epochs: many", r"train\.epochs: .*integer.*, got 'many'"),
        ("  epochs: 15", "  epochs: 0", r"train\.epochs: .*greater than or equal to 1, got 0"),
        ("  batch_size: 16", "  batch_size: 16.5", r"train\.batch_size: .*got 16\.5"),
        ("backbone: efficientnet_lite0", "backbone: resnet", r"detector\.backbone: .*'vgg16'"),
        ("  test: 0.2", "  test: 0.3", "split: .*must add up to 1, got 1.1"),
        (
            "other_person_prob: 0.25",
            "other_person_prob: 0.8",
            r"face_classifier\.pairs: .*other_person_prob must be 1 at most, got 1\.1",
        ),
        (
            "0.88, 1.05]",
            "0.88]",
            "6 predictor maps .* need 7 scales and 6 strides_px, got 6 and 6",
        ),
        ("seed: 20", "seed: [20", "not valid YAML"),
    ],
)
def test_a_wrong_key_or_value_is_named(changed, before, after, message):
    with pytest.raises(ValueError, match=message):
        load_params(changed(before, after))


def test_every_parameter_has_a_dotted_name():
    values = flatten_params(load_params(PROJECT_FILE))
    assert values["train.schedule.learning_rate"] == 0.0006
    assert values["validate.min_face_px"] == 12
    assert not any(isinstance(value, dict) for value in values.values())
