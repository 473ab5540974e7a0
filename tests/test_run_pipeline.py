import importlib.util
import subprocess
import sys

import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import load_params

TEXT = (PROJECT / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def pipeline():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("run_pipeline", PROJECT / "src/run_pipeline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with the project's params.yaml."""
    (tmp_path / "params.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--epoch", "3"], "\nepoch: unknown parameter; did you mean epochs"),
        (["--epochs", "many"], "pipeline: params.yaml: train.epochs: Input should be a valid"),
        (
            ["--frame_stride", "2"],
            "frame_stride: could be extract_frames.frame_stride or predict.frame_stride or "
            "annotate.frame_stride",
        ),
        (["epochs=3"], "expected --name value"),
    ],
)
def test_bad_values_are_rejected_before_anything_runs(folder, words, expected):
    command = [sys.executable, str(PROJECT / "src/run_pipeline.py"), *words]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 1
    assert expected in finished.stderr
    assert "Traceback" not in finished.stderr
    assert (folder / "params.yaml").read_text(encoding="utf-8") == TEXT


def test_values_are_written_into_params(folder, pipeline):
    values = pipeline.write_params(["--epochs", "3"])
    assert values == {"train.epochs": "3"}
    assert "epochs: 3" in (folder / "params.yaml").read_text(encoding="utf-8")
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]


def test_a_preset_is_written_into_params_and_a_value_beside_it_wins(folder, pipeline):
    (folder / "configs").mkdir()
    preset = (PROJECT / "configs/ssd300_vgg16_2020.yaml").read_text(encoding="utf-8")
    (folder / "configs/ssd300_vgg16_2020.yaml").write_text(preset, encoding="utf-8")
    pipeline.write_params(["--preset", "ssd300_vgg16_2020", "--epochs", "2"])
    train = load_params(folder / "params.yaml").train
    assert (train.epochs, train.batch_size, train.augmentation.name) == (2, 32, "ssd_2020")


def test_without_values_the_pipeline_is_brought_up_to_date(folder, pipeline):
    assert pipeline.make_command(has_values=False) == ["dvc", "repro", "--pull"]


def test_data_that_is_there_is_not_pulled_over(folder, pipeline):
    (folder / "data").mkdir()
    assert pipeline.make_command(has_values=False) == ["dvc", "repro"]


def test_without_git_values_work_but_are_no_experiment(folder, pipeline, caplog):
    assert pipeline.make_command(has_values=True) == ["dvc", "repro", "--pull"]
    assert "no git commit here" in caplog.text


def test_in_git_values_are_an_experiment(folder, pipeline, monkeypatch):
    monkeypatch.setattr(pipeline.mlflow_tracking, "read_git_commit", lambda: "1" * 40)
    assert pipeline.make_command(has_values=True) == ["dvc", "exp", "run", "--pull"]


def test_git_without_an_identity_gets_one_for_the_experiment(folder, pipeline, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("GIT_AUTHOR_NAME", raising=False)
    assert pipeline.make_environment()["GIT_AUTHOR_NAME"] == "nobody"
    (folder / ".gitconfig").write_text("[user]\n\temail = a@b\n")
    assert "GIT_AUTHOR_NAME" not in pipeline.make_environment()
