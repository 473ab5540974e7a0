import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from builders import make_predictor
from clips import SeesColors
from deepfake_detector.web.jobs import JobQueue
from deepfake_detector.web.server import make_server


@dataclass
class Served:
    """A page that is being served: its address, its queue and the queue's folder."""

    address: str
    queue: JobQueue
    folder: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The page, served with a detector that sees red and blue squares; limits: 1 MB, 5 seconds."""
    folder = tmp_path_factory.mktemp("queue")
    queue = JobQueue(folder, make_predictor(SeesColors(), frame_stride=3, max_seconds=5.0), 8, 4)
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
