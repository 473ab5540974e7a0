import time

import pytest

from deepfake_detector.web.jobs import JobQueue, clean_name, describe_job


def hand_in(queue, name="a.mp4"):
    number, job = queue.open_job(name)
    job.upload.write_bytes(b"x")
    queue.submit(number, job)
    for _ in range(100):
        if job.future.done():
            break
        time.sleep(0.02)
    return number, job


def analyze(path, out, on_progress):
    out.mkdir()
    return {
        "verdict": "likely real", "probability": 0.1, "reason": "", "file": path.name,
        "frames": {"analyzed": 1}, "tracks": [dict.fromkeys(
            ("track", "verdict", "probability", "reason"), 1)],
    }  # fmt: skip


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


def test_old_results_make_room_for_new_ones(tmp_path):
    queue = JobQueue(tmp_path, analyze, max_kept_jobs=2)
    numbers = [hand_in(queue)[0] for _ in range(3)]
    assert [queue.find(number) is not None for number in numbers] == [False, True, True]
    assert {path.name for path in tmp_path.iterdir()} == set(numbers[1:])


def test_a_closed_desk_keeps_nothing(tmp_path):
    queue = JobQueue(tmp_path, analyze, max_kept_jobs=2)
    hand_in(queue)
    queue.close()
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_program_is_told_without_its_inside(tmp_path, caplog):
    def fail(path, out, on_progress):
        raise KeyError("secret")

    _, job = hand_in(JobQueue(tmp_path, fail, max_kept_jobs=2))
    answer = describe_job(job)
    assert answer == {
        "state": "rejected", "reason": "a.mp4: an error of this program; see its log",
    }  # fmt: skip
    assert "secret" in caplog.text
    assert not job.upload.exists()
