import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

import app
from clips import SeesColors, make_calibration
from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.analysis import Expert
from deepfake_detector.inference.detector import Detector
from deepfake_detector.web.jobs import JobQueue
from deepfake_detector.web.server import make_server


@dataclass
class Served:
    """A page that is being served: its address, its desk and the desk's folder."""

    address: str
    queue: JobQueue
    folder: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The page, served with a detector that sees red and blue squares; limits: 1 MB, 5 seconds."""
    folder = tmp_path_factory.mktemp("queue")
    params = load_params(PROJECT / "params.yaml")
    limits = params.app.model_copy(update={"max_seconds": 5.0, "max_megabytes": 1})
    params = params.model_copy(update={"app": limits})
    expert = Expert(Detector(SeesColors()), make_calibration())
    queue = JobQueue(folder, app.make_analyze(expert, {"detector_sha256": "12ab"}, params), 8)
    config = uvicorn.Config(make_server(queue, 1), log_level="warning")
    server, listening = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", queue, folder)
    server.should_exit = True
    thread.join(timeout=60)
    queue.close()
