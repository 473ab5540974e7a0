from concurrent.futures import wait

import pytest

from builders import make_predictor
from clips import FACE_PX, SeesColors, make_frame, write_clip
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
    queue = JobQueue(tmp_path, make_predictor(SeesColors()), max_kept_jobs=2)
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
        ("é" * 300 + ".mp4", "é" * 80 + ".mp4"),
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

    _, job = hand_in(JobQueue(tmp_path, make_predictor(Broken()), max_kept_jobs=2), clip)
    answer = describe_job(job)
    assert answer == {
        "state": "rejected", "reason": "a.mp4: an error of this program; see its log",
    }  # fmt: skip
    assert "secret" in caplog.text
    assert not job.upload.exists()
