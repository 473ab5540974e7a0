import errno

import av
import cv2
import pytest

from deepfake_detector.video.media import errors
from deepfake_detector.video.media.errors import RejectedFileError, reading, show_name

CONTENT = [
    cv2.error("assertion failed"),
    av.error.InvalidDataError(1094995529, "Invalid data found", "a.mp4"),
    av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"),
    av.error.OSError(errno.EIO, "Input/output error"),
    av.error.ArgumentError(errno.EINVAL, "Invalid argument"),
    av.error.PermissionError(errno.EPERM, "Operation not permitted"),
    av.error.FFmpegError(errno.EBUSY, "Device or resource busy"),
    av.error.FFmpegError(errno.ENOSPC, "No space left on device"),
    av.error.PatchWelcomeError(1163346256, "Not yet implemented"),
    *(IndexError("list index out of range"), KeyError("x"), MemoryError(), OverflowError("big")),
    *(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), ZeroDivisionError("x"), ValueError("y")),
    *(EOFError(), NotImplementedError("z"), AttributeError("a"), TypeError("t"), ValueError("")),
]


@pytest.mark.parametrize("error", CONTENT, ids=lambda error: type(error).__name__)
def test_any_error_of_a_library_becomes_a_rejection_that_names_the_file(tmp_path, error):
    (tmp_path / "a.mp4").write_bytes(b"x")
    with (
        pytest.raises(RejectedFileError, match=r"^a\.mp4: cannot be read \(.+\); copy or") as got,
        reading(tmp_path / "a.mp4"),
    ):
        raise error
    assert got.value.__cause__ is error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.EACCES, errno.EROFS])
def test_trouble_of_the_machine_stays_trouble_of_the_machine(tmp_path, number):
    for error in (OSError(number, "system"), av.error.FFmpegError(number, "system")):
        with pytest.raises(OSError, match="system") as got, reading(tmp_path / "a.mp4"):
            raise error
        assert got.value.errno == number
        assert not isinstance(got.value, ValueError)


def test_an_input_error_is_the_machines_where_the_file_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(errors, "_is_readable", lambda path: False)
    with pytest.raises(OSError, match="error"), reading(tmp_path / "a.mp4"):
        raise av.error.OSError(errno.EIO, "Input/output error")


def test_a_rejection_passes_as_it_is(tmp_path):
    with pytest.raises(RejectedFileError, match="own words"), reading(tmp_path / "a.mp4"):
        raise RejectedFileError("own words")


@pytest.mark.parametrize("error", [KeyboardInterrupt, AssertionError, StopIteration])
def test_what_is_no_error_of_reading_passes(tmp_path, error):
    with pytest.raises((error, RuntimeError)), reading(tmp_path / "a.mp4"):
        raise error


def test_a_name_can_be_shown_whatever_it_is(tmp_path):
    assert show_name(tmp_path / "é.mp4") == "é.mp4"
    assert show_name(tmp_path / "\udcff.mp4") == "\\xff.mp4"
    assert show_name(tmp_path / "a\nb.mp4") == "a\\nb.mp4"
