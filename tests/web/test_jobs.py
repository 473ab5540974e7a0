import sys
import threading
from concurrent.futures import wait

import pytest

from builders import make_predictor
from clips import FACE_PX, SeesColors, make_frame, write_clip
from deepfake_detector.video.decoders import isolated_decoder
from deepfake_detector.video.decoders.isolated_decoder import IsolatedDecoder
from deepfake_detector.web.jobs import Job, JobQueue, clean_name, describe_job


def hand_in(queue, content, name="a.mp4"):
    number, job = queue.open_job(name)
    job.upload.write_bytes(content)
    queue.submit(number, job)
    wait([job.future], timeout=60)
    return number, job


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    return write_clip(path, [make_frame([("fake", FACE_PX)])] * 5).read_bytes()


@pytest.fixture
def queue(tmp_path):
    queue = JobQueue(tmp_path, make_predictor(SeesColors()), max_kept_jobs=2, max_waiting_jobs=4)
    yield queue
    queue.close()


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("film.mp4", "film.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\films\\my film (1).mp4", "my film (1).mp4"),
        ("<b>&.mp4", "_b__.mp4"),
        ("..", "file"),
        ("", "file"),
        ("é" * 300 + ".mp4", "é" * 80 + ".mp4"),  # 160 bytes
    ],
)
def test_a_name_is_a_plain_file_name(name, clean):
    assert clean_name(name) == clean


def test_old_results_make_room_for_new_ones(queue, clip, tmp_path):
    numbers = [hand_in(queue, clip)[0] for _ in range(3)]
    assert [queue.find(number) is not None for number in numbers] == [False, True, True]
    assert {path.name for path in tmp_path.iterdir()} == set(numbers[1:])


def test_a_job_tells_how_far_it_is(queue, clip):
    _, job = hand_in(queue, clip)
    assert (job.phase, job.frames, job.frames_done, job.fraction) == ("explaining", 5, 5, 1.0)
    assert describe_job(job)["results"] == ["annotated.mp4", "report.html", "verdict.json"]


def test_of_a_file_whose_header_tells_no_frames_nothing_is_said_to_be_done(tmp_path):
    job = Job(tmp_path, "a.mp4")
    job.on_progress("analyzing", 7)
    assert job.fraction == 0.0


def test_a_closed_queue_keeps_nothing(queue, clip, tmp_path):
    hand_in(queue, clip)
    queue.close()
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_program_is_told_without_its_inside(tmp_path, caplog, clip):
    class Broken:
        input_shape = (None, 120, 120, 3)

        def predict_on_batch(self, images):
            raise KeyError("secret")

    _, job = hand_in(
        JobQueue(tmp_path, make_predictor(Broken()), max_kept_jobs=2, max_waiting_jobs=4), clip
    )
    answer = describe_job(job)
    assert answer == {
        "state": "rejected", "reason": "a.mp4: an error of this program; see its log",
    }  # fmt: skip
    assert "secret" in caplog.text
    assert not job.upload.exists()


class Slow(SeesColors):
    """A detector that waits at each batch until it is let go."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def predict_on_batch(self, images):
        self.begun.set()
        assert self.go.wait(timeout=60)
        return super().predict_on_batch(images)


@pytest.fixture
def slow(tmp_path):
    detector = Slow()
    queue = JobQueue(tmp_path, make_predictor(detector), max_kept_jobs=2, max_waiting_jobs=4)
    yield queue, detector
    detector.go.set()
    queue.close()


def open_and_submit(queue, content):
    number, job = queue.open_job("a.mp4")
    job.upload.write_bytes(content)
    queue.submit(number, job)
    return number, job


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    return write_clip(path, [make_frame([("fake", FACE_PX)])] * 40).read_bytes()  # three batches


def test_a_waiting_job_tells_its_place_and_may_be_cancelled(slow, clip, tmp_path):
    queue, detector = slow
    jobs = [open_and_submit(queue, clip) for _ in range(3)]
    assert detector.begun.wait(timeout=60)
    assert [queue.count_before(number) for number, _ in jobs] == [0, 1, 2]
    assert describe_job(jobs[2][1], 2)["before"] == 2
    queue.cancel(jobs[1][0])
    assert [queue.count_before(number) for number, _ in jobs] == [0, 0, 1]
    assert queue.find(jobs[1][0]) is None
    assert not jobs[1][1].folder.exists()
    detector.go.set()
    wait([jobs[2][1].future], timeout=60)
    assert describe_job(jobs[2][1])["state"] == "judged"
    assert queue.count_before("unknown") == 0


def test_a_running_job_stops_at_its_next_step_and_leaves_nothing(slow, long_clip, tmp_path):
    queue, detector = slow
    number, job = open_and_submit(queue, long_clip)
    assert detector.begun.wait(timeout=60)
    queue.cancel(number)
    queue.cancel(number)  # once is enough
    detector.go.set()
    wait([job.future], timeout=60)
    assert job.frames_done < 40
    assert describe_job(job) == {"state": "rejected", "reason": "a.mp4: cancelled"}
    assert list(tmp_path.iterdir()) == []


def test_a_queue_that_closes_stops_what_runs(slow, long_clip, tmp_path):
    queue, detector = slow
    jobs = [open_and_submit(queue, long_clip) for _ in range(3)]
    assert detector.begun.wait(timeout=60)
    threading.Timer(0.2, detector.go.set).start()
    queue.close()
    assert jobs[0][1].frames_done < 40
    assert list(tmp_path.iterdir()) == []


def test_no_more_results_are_kept_than_may_be_while_others_wait(slow, clip, tmp_path):
    queue, detector = slow
    jobs = [open_and_submit(queue, clip) for _ in range(5)]
    detector.go.set()
    wait([job.future for _, job in jobs], timeout=120)
    assert {path.name for path in tmp_path.iterdir()} == {number for number, _ in jobs[3:]}


@pytest.mark.parametrize("letter", ["a", "é", "語", "𠀀", "."])
@pytest.mark.parametrize("ending", [".mp4", "." + "x" * 300, "", ".語" * 99])
def test_a_name_of_any_length_fits_into_a_file_system(tmp_path, letter, ending):
    name = clean_name(letter * 400 + ending)
    assert 0 < len(name.encode()) <= 190
    (tmp_path / name).touch()


def test_trouble_of_the_machine_is_no_fault_of_the_file(tmp_path, clip):
    class Full:
        input_shape = (None, 120, 120, 3)

        def predict_on_batch(self, images):
            raise OSError(28, "No space left on device", "/secret/folder")

    _, job = hand_in(
        JobQueue(tmp_path, make_predictor(Full()), max_kept_jobs=2, max_waiting_jobs=4), clip
    )
    assert describe_job(job)["reason"] == (
        "a.mp4 was not judged: No space left on device; this is no fault of it"
    )


def test_a_file_of_a_stranger_is_decoded_in_a_process_of_its_own(tmp_path, clip, monkeypatch):
    predictor = make_predictor(SeesColors())
    predictor.decoder = IsolatedDecoder()
    queue = JobQueue(tmp_path, predictor, max_kept_jobs=4, max_waiting_jobs=4)
    judged = describe_job(hand_in(queue, clip)[1])
    assert (judged["state"], judged["frames"]["read"]) == ("judged", 5)
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(isolated_decoder, "_COMMAND", (sys.executable, "-c", crash))
    reason = describe_job(hand_in(queue, clip)[1])["reason"]
    assert reason.startswith("a.mp4: the process that decodes it broke down (Segmentation fault)")
    queue.close()
