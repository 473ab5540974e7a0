import json
import zipfile

import pytest

from deepfake_detector.models import model_content
from deepfake_detector.models.model_content import check_model_content

CONV = {
    "module": "keras.layers",
    "class_name": "Conv2D",
    "config": {"filters": 8, "kernel_size": [3, 3]},
}


@pytest.fixture
def write(tmp_path):
    """Write a saved model with a description; return its file."""

    def write(config):
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w") as archive:
            text = config if isinstance(config, str) else json.dumps(config)
            archive.writestr("config.json", text)
        return path

    return write


def test_a_network_of_known_layers_passes(write):
    check_model_content(write({"module": "keras", "class_name": "Functional", "config": [CONV]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_name": "Lambda"}, "keras.layers Lambda is no part"),
        ({"class_name": "TorchModuleWrapper"}, "is no part"),
        ({"module": "os"}, "os Conv2D is no part"),
        ({"module": "keras.utils", "class_name": "get_file"}, "is no part"),
        ({"class_name": ["Conv2D"]}, "is no part"),
        ({"config": {"filters": 2**53}}, "filters: 9007199254740992 is over the limit, 4096"),
        ({"config": {"kernel_size": [3, 10**30]}}, "kernel_size: 1000"),
        ({"config": {"ensemble_size": 10**6}}, "ensemble_size: 1000000 is over the limit, 32"),
        ({"config": {"target_shape": [-1, 10**400]}}, "target_shape"),
        ({"config": {"scale": float("nan")}}, "scale: nan"),
        ({"config": {"scale": float("inf")}}, "scale: inf"),
    ],
)
def test_what_keras_would_build_without_end_or_that_is_no_layer_here_is_rejected(
    write, change, message
):
    with pytest.raises(ValueError, match=f"model.keras: not a model.*{message}.*dvc repro"):
        check_model_content(write({"class_name": "Functional", "config": [CONV | change]}))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[" * 5000 + "]" * 5000, "config.json|recursion"),
        ({"a": json.loads("[" * 60 + "]" * 60)}, "nested over 40 deep"),
        ([], "expected a description"),
        ("{", "Expecting"),
        ({"a": [0] * 600_000}, "over 500000 values"),
    ],
)
def test_a_description_without_form_is_rejected(write, config, message):
    with pytest.raises(ValueError, match=f"(?s)model.keras: not a model.*({message})"):
        check_model_content(write(config))


def test_a_description_that_is_too_large_is_not_read(write, monkeypatch):
    monkeypatch.setattr(model_content, "MAX_CONFIG_BYTES", 10)
    with pytest.raises(ValueError, match=r"config.json in it is over 10 bytes"):
        check_model_content(write(CONV))


def test_a_file_without_a_description_is_no_model(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(ValueError, match=r"a.keras: no saved model, config.json is missing in it"):
        check_model_content(tmp_path / "a.keras")
