import json
import time
import urllib.error
import urllib.request

import pytest

from clips import FACE_PX, make_frame, write_clip
from deepfake_detector.web.server import listen


def ask(address, content=None, headers=None):
    """Give status and JSON of an answer, None where it is not JSON."""
    request = urllib.request.Request(address, content, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        is_json = error.headers["Content-Type"] == "application/json"
        return error.code, json.load(error) if is_json else None


def hand_in(served, content, name="a.mp4"):
    return ask(f"{served.address}/jobs", content, {"X-File-Name": name})


def wait(served, number):
    for _ in range(600):
        _, answer = ask(f"{served.address}/jobs/{number}")
        if answer["state"] in ("judged", "rejected"):
            return answer
        time.sleep(0.1)
    raise AssertionError("nothing came out")


@pytest.fixture(scope="module")
def fake_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    return write_clip(path, [make_frame([("fake", FACE_PX)])] * 15).read_bytes()


def test_a_video_is_judged_and_its_upload_deleted(served, fake_clip):
    status, answer = hand_in(served, fake_clip, "my%20film.mp4")
    assert status == 201
    judged = wait(served, answer["job"])
    assert (judged["state"], judged["verdict"]) == ("judged", "likely fake")
    assert (judged["file"], judged["covers"]) == ("my film.mp4", [])
    assert judged["faces"][0]["verdict"] == "likely fake"
    assert judged["results"] == ["annotated.mp4", "report.html", "verdict.json"]
    assert not list(served.folder.rglob("upload"))
    status, verdict = ask(f"{served.address}/jobs/{answer['job']}/verdict.json")
    assert verdict["verdict"] == "likely fake"


def test_a_report_is_kept_from_running_anything(served, fake_clip):
    number = hand_in(served, fake_clip)[1]["job"]
    wait(served, number)
    with urllib.request.urlopen(f"{served.address}/jobs/{number}/report.html") as answer:
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    with urllib.request.urlopen(f"{served.address}/jobs/{number}/report.html?download") as answer:
        assert 'filename="a-report.html"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("frames", "fps", "reason"),
    [
        ([make_frame()] * 8, 10, "no face was found in 3 frames"),
        ([make_frame()] * 8, 1, "longer than 5 seconds, which is the limit"),
    ],
)
def test_what_cannot_be_judged_is_rejected_with_the_reason(served, tmp_path, frames, fps, reason):
    content = write_clip(tmp_path / "a.mp4", frames, fps).read_bytes()
    answer = wait(served, hand_in(served, content)[1]["job"])
    assert answer["state"] == "rejected"
    assert reason in answer["reason"]
    assert not list(served.folder.rglob("upload"))


def test_a_file_that_is_no_video_is_rejected(served):
    answer = wait(served, hand_in(served, b"text\n" * 99, "notes.mp4")[1]["job"])
    assert answer["state"] == "rejected"
    assert "notes.mp4: not a video" in answer["reason"]


def test_a_file_that_is_too_large_is_rejected_and_deleted(served):
    before = set(served.folder.iterdir())
    status, answer = hand_in(served, bytes(1_000_001))
    assert (status, answer["state"]) == (413, "rejected")
    assert "larger than 1 MB" in answer["reason"]
    assert set(served.folder.iterdir()) == before


def test_a_page_elsewhere_can_neither_ask_under_another_name_nor_hand_in(served, fake_clip):
    request = urllib.request.Request(served.address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)
    assert ask(f"{served.address}/jobs", fake_clip)[0] == 400  # what a form can send


@pytest.mark.parametrize("name", ["secret.txt", "..%2F..%2Fpage.js", "upload"])
def test_only_results_are_given_out(served, fake_clip, name):
    number = hand_in(served, fake_clip)[1]["job"]
    wait(served, number)
    assert ask(f"{served.address}/jobs/{number}/{name}")[0] == 404
    assert ask(f"{served.address}/jobs/{'0' * 32}/verdict.json")[0] == 404


def test_a_job_is_cancelled_by_the_page_and_by_nobody_else(served, fake_clip):
    number = hand_in(served, fake_clip)[1]["job"]
    address = f"{served.address}/jobs/{number}"
    delete = urllib.request.Request(address, method="DELETE")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(delete)
    assert ask(address)[0] == 200
    delete.add_header("X-File-Name", "-")
    with urllib.request.urlopen(delete) as answer:
        assert json.load(answer) == {"state": "cancelled"}
    assert ask(address)[0] == 404


def test_a_taken_port_is_named_with_what_to_change():
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(ValueError, match=rf"port {port} is taken.*app\.port in params\.yaml"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("name", ["a" * 3000 + ".mp4", "%F0%A0%80%80" * 300, "%FF%FE.mp4", "%00"])
def test_a_file_of_any_name_is_taken(served, fake_clip, name):
    answer = wait(served, hand_in(served, fake_clip, name)[1]["job"])
    assert answer["state"] == "judged"
