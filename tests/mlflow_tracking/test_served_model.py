import base64
import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest

import clips
from builders import make_model
from clips import FACE_PX, SeesColors, make_frame, write_clip
from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.detector import FACE_CLASSIFIER
from deepfake_detector.mlflow_tracking import served_model
from deepfake_detector.mlflow_tracking.served_inputs import VIDEO_FOLDER
from deepfake_detector.mlflow_tracking.signature import ANSWER, FACE, FRAMES, TRACK
from small_detector import save_small_model

FAKE, REAL = ("fake", FACE_PX), ("real", FACE_PX)
SURE = {"score_threshold": 0.5, "prevalence": 0.5}


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    write_clip(folder / "fake.mp4", [make_frame([FAKE])] * 30)
    return folder


@pytest.fixture
def serve(videos, monkeypatch):
    """Load the model with a stand-in for its network, and whatever calibration."""
    monkeypatch.setenv(VIDEO_FOLDER, str(videos))

    def load(**calibration):
        loaded = make_model(SeesColors(), **calibration)
        monkeypatch.setattr(served_model, "load_artifacts", lambda paths: loaded)
        config = load_params(PROJECT / "params.yaml").predict.model_dump()
        model = served_model.ServedDetector()
        model.load_context(SimpleNamespace(artifacts={}, model_config=config))

        def ask(*rows, **params):
            table = pd.DataFrame(rows, columns=None if rows else ["image", "video"])
            return model.predict(None, table, SURE | params)

        return ask

    return load


def test_the_log_says_which_model_is_served(serve, caplog):
    with caplog.at_level(logging.INFO):
        serve()
    assert "serving the model trained" in caplog.text


def test_a_released_folder_is_served_as_well_as_a_trained_models_files(tmp_path):
    folder = save_small_model(tmp_path / "model")
    released = served_model.load_artifacts({"released": folder})
    trained = served_model.load_artifacts(
        {
            "detector": folder / "detector.keras",
            "face_classifier": folder / FACE_CLASSIFIER,
            "calibration": folder / "calibration.json",
        }
    )
    assert (released.identity.name, trained.identity.name) == ("released", "trained")
    assert released.identity.classifier == trained.identity.classifier is not None
    with pytest.raises(ValueError, match=r"made for the face classifier sha256 \w+, but .* none"):
        served_model.load_artifacts(
            {
                "detector": folder / "detector.keras",
                "calibration": folder / "calibration.json",
            }
        )


def encode(picture_rgb):
    content = cv2.imencode(".png", picture_rgb[..., ::-1])[1].tobytes()
    return base64.b64encode(content).decode()


def test_a_video_is_answered_with_its_verdict_tracks_and_faces(serve):
    found = serve()({"video": "fake.mp4"})
    assert tuple(found.columns) == ANSWER
    (answer,) = found.to_dict(orient="records")
    assert (answer["verdict"], answer["threshold"], answer["rejected"]) == ("likely fake", 0.6, "")
    assert answer["probability"] == pytest.approx(0.947, abs=0.002)  # 0.9 of 0.95
    (track,) = answer["tracks"]
    assert tuple(track) == tuple(TRACK)
    assert (track["track"], track["verdict"]) == (1, "likely fake")
    assert [face["frame"] for face in answer["faces"]] == list(range(0, 30, 3))
    assert [face["seconds"] for face in answer["faces"][:3]] == pytest.approx([0, 0.3, 0.6])
    first = answer["faces"][0]
    assert tuple(first) == tuple(FACE)
    assert (first["track"], first["label"], first["score"]) == (1, "fake", 0.9)
    box_px = [first[side] for side in ("left_px", "top_px", "right_px", "bottom_px")]
    assert box_px == pytest.approx(FACE_PX, abs=2)
    assert answer["frames"] == dict(zip(FRAMES, [30, 10, 3, 0, ""], strict=True))


def test_an_image_is_answered_with_its_faces_and_is_too_little_for_a_verdict(serve):
    (answer,) = serve()({"image": encode(make_frame([REAL]))}).to_dict(orient="records")
    assert [face["label"] for face in answer["faces"]] == ["real"]
    assert (answer["verdict"], answer["probability"]) == ("cannot tell", None)
    assert "seen well in 1 frame, 4 needed" in answer["reason"]


def test_where_the_calibration_leaves_no_answer_the_faces_come_all_the_same(serve):
    predict = serve(problem="no validation video shows a fake face")
    (answer,) = predict({"video": "fake.mp4"}).to_dict(orient="records")
    assert (answer["verdict"], answer["probability"]) == ("cannot tell", None)
    assert answer["reason"] == "no validation video shows a fake face"
    assert len(answer["faces"]) == 10


def test_a_request_may_ask_for_surer_faces(serve):
    found = serve()({"image": encode(make_frame([FAKE]))}, score_threshold=0.95)
    assert found["faces"][0] == []


def test_a_request_may_say_how_common_fakes_are(serve):
    predict = serve()
    even, rare, again = (
        predict({"video": "fake.mp4"}, prevalence=prevalence).iloc[0]
        for prevalence in (0.5, 0.01, 0.5)
    )
    odds = even["probability"] / (1 - even["probability"]) / 99
    assert rare["probability"] == pytest.approx(odds / (1 + odds), abs=1e-3)
    assert (rare["verdict"], again["probability"]) == ("likely fake", even["probability"])
    assert "where 1% of videos are fake" in rare["reason"]


def test_a_row_that_cannot_be_used_is_rejected_by_number_and_the_others_are_answered(
    serve, videos
):
    (videos / "text.mp4").write_text("text")
    picture = encode(make_frame([FAKE]))
    found = serve()(
        {"video": "fake.mp4"},
        {"image": "%%%"},
        {"video": "nothing.mp4"},
        {"video": "text.mp4"},
        {"video": "../calibration.json"},
        {"video": "fake.mp4", "image": picture},
        {"other": 3},
        {"image": picture},
    )
    assert [bool(reason) for reason in found["rejected"]] == [False, *[True] * 6, False]
    reasons = found["rejected"].tolist()
    assert reasons[1].startswith("row 1: image is not base64")
    assert reasons[2].startswith("row 2: nothing.mp4: no such file")
    assert reasons[3].startswith("row 3: text.mp4: not a video")
    assert reasons[4].startswith("row 4: ../calibration.json: outside of the folder")
    assert reasons[5] == "row 5: expected an image or a video, got image and video"
    assert reasons[6] == "row 6: expected an image or a video, got none"
    assert found["verdict"][1] is None
    assert found["faces"][1] == []
    assert found["verdict"][0] == "likely fake"
    assert len(found["faces"][7]) == 1


def test_a_file_that_cannot_be_opened_does_not_tell_where_the_folder_is(serve, videos):
    name = "a" * 300 + ".mp4"
    (reason,) = serve()({"video": name})["rejected"]
    assert reason == "row 0: File name too long"
    assert str(videos) not in reason


def test_a_video_that_breaks_is_answered_as_far_as_it_goes(serve, videos):
    noise = np.random.default_rng(0).integers(90, 160, (120, 40, 3))
    frames = [make_frame([FAKE]) for _ in range(60)]
    for number, frame in enumerate(frames):
        frame[:, 120:] = np.roll(noise, number, axis=0)
    clips.cut_off(write_clip(videos / "cut.mp4", frames), 0.5)
    (answer,) = serve()({"video": "cut.mp4"}).to_dict(orient="records")
    assert answer["verdict"] == "likely fake"
    assert "cut.mp4: " in answer["frames"]["rejected_because"]


def test_no_rows_are_an_empty_table_with_all_columns(serve):
    found = serve()()
    assert len(found) == 0
    assert tuple(found.columns) == ANSWER
