"""The service for programs: who gets in, and a video's way from upload to verdict.json."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
import uvicorn

from builders import make_predictor
from clips import FACE_PX, SeesColors, make_frame, write_clip
from deepfake_detector.web.jobs import JobQueue
from deepfake_detector.web.service import TOKEN, make_service, read_token

SECRET = "correct-horse-battery-staple"


class SlowAtFirst(SeesColors):
    """A detector that waits at each batch until it is let go."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def predict_on_batch(self, images):
        self.begun.set()
        assert self.go.wait(timeout=60)
        return super().predict_on_batch(images)


@pytest.fixture
def detector():
    return SlowAtFirst()


@pytest.fixture
def address(tmp_path, detector):
    """The address of a service of up to 1 MB a file, with one file judged and one waiting."""
    queue = JobQueue(tmp_path / "queue", make_predictor(detector, frame_stride=3), 8, 1)
    service = make_service(queue, max_megabytes=1, token=SECRET)
    server = uvicorn.Server(uvicorn.Config(service, log_level="warning"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    detector.go.set()
    server.should_exit = True
    thread.join(timeout=60)
    queue.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    return write_clip(path, [make_frame([("fake", FACE_PX)])] * 15).read_bytes()


def ask(address, method="GET", content=None, token=SECRET, **headers):
    """Give the status, the headers and the JSON of an answer."""
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(address, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def upload(address, content):
    return ask(f"{address}/jobs", "POST", content, **{"X-File-Name": "a.mp4"})


def wait_for(address, number, *states):
    for _ in range(600):
        answer = ask(f"{address}/jobs/{number}")[2]
        if answer["state"] in states:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"never {' or '.join(states)}")


def test_an_uploaded_video_waits_is_judged_and_gives_its_verdict(address, detector, clip):
    first, second = (upload(address, clip)[2]["job"] for _ in range(2))
    assert detector.begun.wait(timeout=60)
    assert wait_for(address, second, "waiting")["before"] == 1
    judging = wait_for(address, first, "judging")
    assert (judging["before"], judging["phase"]) == (0, "waiting")
    detector.go.set()
    judged = wait_for(address, second, "judged", "rejected")
    assert (judged["verdict"], judged["file"]) == ("likely fake", "a.mp4")
    assert "verdict.json" in judged["results"]
    verdict = ask(f"{address}/jobs/{second}/verdict.json")[2]
    assert verdict["verdict"] == "likely fake"
    assert verdict["tracks"]


def test_a_job_is_cancelled_with_the_token_alone(address, detector, clip):
    number = upload(address, clip)[2]["job"]
    assert detector.begun.wait(timeout=60)
    assert ask(f"{address}/jobs/{number}", "DELETE", token=None)[0] == 401
    assert ask(f"{address}/jobs/{number}")[0] == 200
    assert ask(f"{address}/jobs/{number}", "DELETE")[2] == {"state": "cancelled"}
    assert ask(f"{address}/jobs/{number}")[0] == 404


def test_a_full_queue_takes_no_more_until_one_is_gone(address, detector, clip):
    first, _ = (upload(address, clip)[2]["job"] for _ in range(2))
    status, headers, answer = upload(address, clip)
    assert (status, headers["Retry-After"]) == (429, "30")
    assert answer["reason"] == "1 files wait already; hand it in again later"
    assert detector.begun.wait(timeout=60)
    detector.go.set()
    wait_for(address, first, "judged")
    assert upload(address, clip)[0] == 201


def test_a_file_that_is_too_large_is_rejected_and_takes_no_place(address):
    for _ in range(3):
        status, _, answer = upload(address, bytes(1_000_001))
        assert status == 413
        assert "larger than 1 MB" in answer["reason"]


@pytest.mark.parametrize("token", [None, "", "wrong", SECRET[:-1], SECRET + "x", "é" * 20])
@pytest.mark.parametrize("path", ["/jobs", "/jobs/1", "/jobs/1/verdict.json", "/", "/health/"])
def test_without_the_token_nothing_is_answered(address, path, token):
    status, headers, answer = ask(address + path, token=token)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer["reason"].startswith("a token is needed")


def test_anybody_may_ask_whether_it_runs(address):
    assert ask(f"{address}/health", token=None)[2] == {"state": "running"}


def test_there_is_no_page(address):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(
            urllib.request.Request(address, headers={"Authorization": f"Bearer {SECRET}"})
        )


@pytest.mark.parametrize("token", ["", "x" * 19, "é" * 20, "a\n" * 20])
def test_a_token_that_could_be_guessed_or_not_be_sent_is_rejected(token):
    with pytest.raises(ValueError, match=f"{TOKEN} holds {len(token)} characters"):
        read_token({TOKEN: token})


def test_a_token_is_read_as_it_is():
    assert read_token({TOKEN: SECRET}) == SECRET
