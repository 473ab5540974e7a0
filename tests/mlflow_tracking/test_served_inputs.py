import base64

import cv2
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from deepfake_detector.mlflow_tracking.served_inputs import (
    VIDEO_FOLDER,
    check_columns,
    decode_image,
    find_video,
    find_video_folder,
)
from deepfake_detector.video.decoders.decoder import Decoder

RED = np.full((20, 30, 3), (255, 0, 0), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """A folder with a video, one in a folder below, and links in and out; a secret beside it."""
    folder = tmp_path / "videos"
    (folder / "below").mkdir(parents=True)
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (tmp_path / "videos_too").mkdir()
    (tmp_path / "videos_too" / "b.mp4").write_bytes(b"secret")
    for name in ("a.mp4", "below/b.mp4"):
        (folder / name).write_bytes(b"video")
    (folder / "inwards.mp4").symlink_to(folder / "a.mp4")
    (folder / "outwards.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "way_out").symlink_to(tmp_path)
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")
    return find_video_folder({VIDEO_FOLDER: str(folder)})


@pytest.mark.parametrize("name", ["a.mp4", "below/b.mp4", "below/../a.mp4", "inwards.mp4"])
def test_a_video_in_the_folder_is_found(folder, name):
    assert find_video(name, folder).read_bytes() == b"video"


def test_an_absolute_path_into_the_folder_is_found(folder):
    assert find_video(str(folder / "a.mp4"), folder) == folder / "a.mp4"


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.mp4", "below/../../secret.mp4", "outwards.mp4", "way_out/secret.mp4"),
        *("../videos_too/b.mp4", "../nothing.mp4", "/etc/passwd", "/", ".."),
    ],
)
def test_no_path_leads_out_of_the_folder(folder, name):
    with pytest.raises(ValueError, match="outside of the folder"):
        find_video(name, folder)


@pytest.mark.parametrize("name", ["c.mp4", "below", ".", "loop.mp4", "a.mp4/b"])
def test_what_is_no_file_is_rejected_by_name(folder, name):
    with pytest.raises(ValueError, match="no such file in the folder") as rejection:
        find_video(name, folder)
    assert str(rejection.value).startswith(f"{name}: ")


def test_a_name_that_no_system_takes_is_rejected(folder):
    with pytest.raises(ValueError, match="null"):
        find_video("a\0.mp4", folder)


@pytest.mark.parametrize("environment", [{}, {VIDEO_FOLDER: ""}])
def test_unless_a_folder_is_named_no_video_is_served(environment):
    assert find_video_folder(environment) is None
    with pytest.raises(ValueError, match=f"the server needs {VIDEO_FOLDER}=FOLDER"):
        find_video("/etc/passwd", None)


def test_a_folder_that_is_not_there_is_rejected_at_once(tmp_path):
    with pytest.raises(ValueError, match=f"{VIDEO_FOLDER}=.*nowhere: no such folder"):
        find_video_folder({VIDEO_FOLDER: str(tmp_path / "nowhere")})


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_a_picture_is_decoded_as_rgb(kind):
    content = cv2.imencode(kind, RED[..., ::-1])[1].tobytes()
    picture = decode_image(base64.b64encode(content).decode(), Decoder())
    assert picture.shape == (20, 30, 3)
    assert np.abs(picture.astype(int) - RED).max() <= 2  # JPEG loses a little


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", " Data:image/png;BASE64,"])
def test_an_address_with_the_picture_in_it_and_broken_lines_are_taken(prefix):
    content = cv2.imencode(".png", RED[..., ::-1])[1].tobytes()
    text = prefix + base64.encodebytes(content).decode().replace("\n", "\r\n")
    assert np.array_equal(decode_image(text, Decoder()), RED)


def test_a_request_without_a_known_column_is_rejected_by_its_columns():
    with pytest.raises(MlflowException, match="expected a column image or video, got Image, 3"):
        check_columns(pd.DataFrame([{"Image": "x", 3: 1}]))
    with pytest.raises(MlflowException, match="expected a column image or video, got none"):
        check_columns(pd.DataFrame())  # of unknown columns MLflow leaves neither these nor rows
    check_columns(pd.DataFrame(columns=["image"]))
    check_columns(pd.DataFrame([{"video": "x", "other": 1}]))


def test_what_is_not_base64_is_rejected():
    for text in ("%%%", "bär"):
        with pytest.raises(ValueError, match="image is not base64"):
            decode_image(text, Decoder())


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_what_is_no_picture_is_rejected(content):
    with pytest.raises(ValueError, match="image is not a JPEG or PNG file"):
        decode_image(base64.b64encode(content).decode(), Decoder())
