import pytest

from deepfake_detector.common import used_code
from deepfake_detector.common.files import hash_file
from deepfake_detector.common.used_code import hash_used_code

FILES = {
    "train.py": "import deepfake_detector.models.loss\nimport deepfake_detector.mlflow_tracking\n",
    "deepfake_detector/__init__.py": "def __getattr__(name): ...\n",
    "deepfake_detector/models/__init__.py": '"""Networks."""\n',
    "deepfake_detector/models/loss.py": (
        "def load():\n    import deepfake_detector.models.boxes\n    return 'weights.onnx'\n"
    ),
    "deepfake_detector/models/boxes.py": "import numpy\n",
    "deepfake_detector/models/weights.onnx": "1",
    "deepfake_detector/models/other.onnx": "2",
    "deepfake_detector/plots/charts.py": "import matplotlib\n",
    "deepfake_detector/mlflow_tracking/__init__.py": "import mlflow\n",
}  # fmt: skip


@pytest.fixture
def source(tmp_path, monkeypatch):
    source = tmp_path.resolve() / "src"
    for name, text in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    package = source / "deepfake_detector"
    monkeypatch.setattr(used_code, "SOURCE", source)
    monkeypatch.setattr(used_code, "PACKAGE", package)
    monkeypatch.setattr(used_code, "TELLS_ONLY", package / "mlflow_tracking")
    return source


def test_a_script_uses_what_is_imported_and_named_and_nothing_else(source):
    package = "src/deepfake_detector"
    used = hash_used_code(source / "train.py")
    assert list(used) == [
        f"{package}/models/boxes.py",
        f"{package}/models/loss.py",
        f"{package}/models/weights.onnx",
        "src/train.py",
    ]
    assert used["src/train.py"] == hash_file(source / "train.py")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("train.py", True),
        ("deepfake_detector/models/boxes.py", True),
        ("deepfake_detector/models/weights.onnx", True),
        ("deepfake_detector/models/other.onnx", False),
        ("deepfake_detector/plots/charts.py", False),
        ("deepfake_detector/mlflow_tracking/__init__.py", False),
    ],
)
def test_an_edit_counts_where_the_script_uses_the_file(source, name, counts):
    before = hash_used_code(source / "train.py")
    with (source / name).open("a") as file:
        file.write("\n# edited\n")
    assert (hash_used_code(source / "train.py") != before) == counts


def test_a_relative_import_is_rejected(source):
    (source / "train.py").write_text("from . import models\n")
    with pytest.raises(ValueError, match=r"train\.py: line 1: relative import; name the package"):
        hash_used_code(source / "train.py")
