"""Files that once went wrong, as strangers hand them in: to the page, the service, the served
model.
"""

import base64
import struct
from concurrent.futures import wait
from zlib import crc32

import cv2
import numpy as np
import pytest

from builders import make_predictor
from code_map import PROJECT
from deepfake_detector.mlflow_tracking.served_inputs import decode_image
from deepfake_detector.video.decoders.isolated_decoder import IsolatedDecoder
from deepfake_detector.web.jobs import JobQueue, describe_job

FAULTS = PROJECT.parent / "shared/faults"
needs_faults = pytest.mark.skipif(
    not FAULTS.is_dir(), reason="no folder of faults beside the project"
)


class SeesOneFace:
    """Finds a fake face in the middle of every picture."""

    input_shape = (None, 64, 64, 3)

    def predict_on_batch(self, images):
        boxes = np.tile([[[0.25, 0.25, 0.75, 0.75]]], (len(images), 1, 1))
        scores = np.tile([[[0.1, 0.9]]], (len(images), 1, 1))
        return {"boxes": boxes, "scores": scores}


JUDGED = {
    "anamorphic.mp4": "video",
    "cover_first.mp4": "video",
    "dvr_offset.ts": "video",
    "hdr_pq.mov": "video",
    "plain.mp4": "video",
    "streamed_no_count.avi": "video",
    "vflip_upright.mp4": "video",
    "face.jfif": "image",
    "frame_9.png": "image",
}
REJECTED = {
    "IMG_grid.HEIC": "HEIC",
    "bmp_100k.bmp": "",
    "cut.jpg": "cut off",
    "fpstiny.y4m": "",
    "gap1e9.mkv": "",
    "gif_16000.gif": "pixels|px",
    "image_1202.bmp": "",
    "png_100k.png": "",
    "song.mp3": "sound",
}
JUDGED_IN_PART = {"video_42e2bae5.swf"}


@needs_faults
def test_every_file_has_its_place_in_the_tables():
    files = {path.name for path in FAULTS.iterdir() if path.is_file()} - {"README.md"}
    assert files == JUDGED.keys() | REJECTED.keys() | JUDGED_IN_PART


@pytest.fixture(scope="module")
def queue(tmp_path_factory):
    predictor = make_predictor(SeesOneFace(), frame_stride=10, max_seconds=600.0)
    predictor.decoder = IsolatedDecoder()
    queue = JobQueue(tmp_path_factory.mktemp("queue"), predictor, 8, 4)
    yield queue
    queue.close()


@pytest.fixture
def hand_in(queue):
    """Hand in a file as a browser or a program does; return what is said of its job."""

    def hand_in(name, content=None):
        number, job = queue.open_job(name)
        job.upload.write_bytes((FAULTS / name).read_bytes() if content is None else content)
        queue.submit(number, job)
        wait([job.future], timeout=60)
        assert not job.upload.exists()
        return describe_job(job)

    return hand_in


@needs_faults
@pytest.mark.parametrize(("name", "kind"), JUDGED.items())
def test_a_job_of_a_file_that_can_be_seen_ends_with_its_results(hand_in, name, kind):
    answer = hand_in(name)
    assert answer["state"] == "judged"
    assert answer["file"] == name
    drawn = {"video": "annotated.mp4", "image": "annotated.jpg"}[kind]
    assert answer["results"] == [drawn, "report.html", "verdict.json"]


@needs_faults
@pytest.mark.parametrize(("name", "reason"), REJECTED.items())
def test_a_job_of_a_file_that_cannot_is_rejected_by_name_and_the_next_one_goes_on(
    hand_in, name, reason
):
    answer = hand_in(name)
    assert answer["state"] == "rejected"
    assert name in answer["reason"]
    assert "error of this program" not in answer["reason"]
    assert any(word in answer["reason"] for word in reason.split("|"))


@needs_faults
@pytest.mark.parametrize("name", sorted(JUDGED_IN_PART))
def test_a_job_of_a_file_that_breaks_is_judged_as_far_as_it_goes_and_says_so(hand_in, name):
    answer = hand_in(name)
    assert answer["state"] == "judged"
    assert answer["frames"]["rejected"] >= 1
    assert name in answer["frames"]["rejected_because"]


@needs_faults
@pytest.mark.parametrize("name", [n for n, kind in JUDGED.items() if kind == "image"])
def test_a_picture_in_a_request_is_decoded(name):
    content = base64.b64encode((FAULTS / name).read_bytes()).decode()
    assert decode_image(content, IsolatedDecoder()).ndim == 3


@needs_faults
@pytest.mark.parametrize("name", REJECTED)
def test_what_is_no_picture_in_a_request_is_rejected(name):
    content = base64.b64encode((FAULTS / name).read_bytes()).decode()
    with pytest.raises(ValueError, match="image is not a JPEG or PNG file"):
        decode_image(content, IsolatedDecoder())


def make_png(side_px):
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", crc32(chunk))


BMP = struct.pack("<IIIIiiHH", 54, 0, 54, 40, 100_000, 100_000, 1, 24)
GIF = struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6)
HEIC = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(40)
JPEG = cv2.imencode(".jpg", np.full((90, 90, 3), 99, np.uint8))[1].tobytes()
MADE = {
    "empty.mp4": (b"", "empty"),
    "text.mp4": (b"no video at all", "not a video"),
    "huge.png": (make_png(100_000), "px|pixels"),
    "huge.bmp": (b"BM" + BMP, "cut off"),
    "huge.gif": (b"GIF89a" + GIF, "px|pixels"),
    "photo.heic": (HEIC, "HEIC"),
    "cut.jpg": (JPEG[:-200], "cut off"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_stranger_is_told_by_name_why_a_file_is_not_judged(hand_in, name):
    content, words = MADE[name]
    answer = hand_in(name, content)
    assert answer["state"] == "rejected"
    assert name in answer["reason"]
    assert any(word in answer["reason"] for word in words.split("|")), answer["reason"]
