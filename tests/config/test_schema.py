import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from deepfake_detector.config.schema import flatten_params, load_params, parse_params

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
            "other_person: 0.25",
            "other_person: 0.35",
            r"face_classifier\.forging_methods: .*must be 1 together, got 1\.1",
        ),
        (
            "0.88, 1.05]",
            "0.88]",
            "6 predictor maps .* need 7 scales and 6 strides_px, got 6 and 6",
        ),
        ("seed: 20", "seed: [20", "not valid YAML"),
        ("seed: 20", "seed: -1", r"seed: .*greater than or equal to 0, got -1"),
        ("seed: 20", f"seed: {1 << 32}", r"seed: .*less than"),
        ("seed: 20", "seed: 20\nseed: 21", "seed: is there twice, on line 5 and on line 6"),
        ("seed: 20", "seed: !!timestamp abc", r"params\.yaml: seed: a tag"),
        (
            "learning_rate: 0.0006",
            "learning_rate: .inf",
            r"train\.schedule\.learning_rate: .*finite",
        ),
        ("learning_rate: 0.0006", "learning_rate: 1e999", r"learning_rate: .*finite"),
        ("brightness: 0.125", "brightness: .nan", r"train\.augmentation\.brightness: "),
        ("contrast: [0.5, 1.5]", "contrast: [1.5, 0.5]", r"augmentation\.contrast: .*low to high"),
        ("saturation: [0.5, 1.5]", "saturation: [1.5, 0.5]", "saturation: .*low to high"),
        ("[40, 95]", "[95, 40]", "recompress_quality: .*low to high"),
        ("milestones: [8, 12]", "milestones: [12, 8]", "milestones: .*low to high"),
        ("scales: [0.1, 0.2,", "scales: [0.2, 0.1,", r"anchors\.scales: .*low to high"),
        ("negative_iou: 0.5", "negative_iou: 0.6", r"detector\.matching: .*negative_iou must be"),
        ("batch_size: 16", f"batch_size: {10**30}", "batch_size: .*less than"),
        (
            "image_size_px: 300",
            "image_size_px: 512",
            r"strides_px .* \[8\.0, 16\.0, 32\.0, 64\.0, 85\.33, 128\.0\] fit image_size_px 512",
        ),
        ("image_size_px: 300", "image_size_px: 640", r"detector: .*fit image_size_px 640"),
        (
            "image_size_px: 300",
            "image_size_px: 200",
            r"detector: .*image_size_px must be at least 257",
        ),
        ("100, 300]", "100]", "strides_px"),
        ("  train: 0.6", "  train: 0.0", "split: .*train must be more than 0"),
        ("choices: [warmup_cosine, step_decay]", "choices: [warmup_cosine, .inf]", "is no choice"),
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


@pytest.mark.parametrize("size_px", [257, 300, 320])
def test_the_strides_of_the_paper_fit_sizes_near_its_own(size_px):
    text = PROJECT_FILE.read_text().replace("image_size_px: 300", f"image_size_px: {size_px}")
    if size_px == 257:
        with pytest.raises(ValueError, match="fit image_size_px 257"):
            parse_params(text)
    else:
        assert parse_params(text).detector.image_size_px == size_px


@pytest.mark.parametrize("size_px", [257, 384, 512, 640, 1024])
def test_the_strides_that_a_rejection_names_are_accepted(size_px):
    text = PROJECT_FILE.read_text().replace("image_size_px: 300", f"image_size_px: {size_px}")
    with pytest.raises(ValueError, match="fit image_size_px") as rejection:
        parse_params(text)
    fitting = re.search(r"without: (\[.*?\]) fit", str(rejection.value))[1]
    text = text.replace("[8, 16, 32, 64, 100, 300]", fitting)
    assert parse_params(text).detector.image_size_px == size_px


def test_in_another_folder_the_command_is_told_to_go_to_the_projects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = (
        rf"^params\.yaml: not there; run the command in the project's folder, not in {tmp_path}"
    )
    with pytest.raises(FileNotFoundError, match=message):
        load_params()
