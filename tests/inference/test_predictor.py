"""The public object: what it says of an image and of a video, and what importing it costs."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from builders import make_model, make_predictor
from clips import FACE_PX, SeesColors, make_frame, write_clip
from code_map import PROJECT
from deepfake_detector import DeepfakePredictor
from deepfake_detector.inference import predictor as module
from deepfake_detector.video.sampling import CropLimits, Sampling

FAKE, REAL = ("fake", FACE_PX), ("real", FACE_PX)


def test_a_video_has_a_verdict_faces_frames_and_tracks(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 12)
    analysis = make_predictor(SeesColors(), frame_stride=2).analyze(str(path))
    assert analysis.verdict.answer == "likely fake"
    assert analysis.verdict.probability == pytest.approx(0.947, abs=0.002)  # 0.9 of 0.95
    assert analysis.verdict.reason.startswith("probability of fake 0.95, 0.60 or more")
    assert analysis.faces["frame"].tolist() == [0, 2, 4, 6, 8, 10]
    assert (analysis.frames.read, analysis.frames.analyzed, analysis.frames.stride) == (12, 6, 2)
    assert analysis.frames.seconds[10] == pytest.approx(1.0)
    (track,) = analysis.tracks
    assert analysis.verdict.tracks[track.track].answer == "likely fake"
    assert analysis.image is None


def test_an_image_is_a_video_of_one_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), make_frame([REAL])[..., ::-1])
    analysis = make_predictor(SeesColors()).analyze(tmp_path / "a.png")
    assert analysis.verdict.answer == "cannot tell"
    assert analysis.faces["real"].tolist() == pytest.approx([0.9])
    assert (analysis.frames.read, analysis.frames.analyzed) == (1, 1)
    assert analysis.image.shape == (analysis.height_px, analysis.width_px, 3) == (120, 160, 3)


def test_no_face_is_decided_on_twice(tmp_path, monkeypatch):
    from deepfake_detector.verdicts import decision

    decided = []

    def decide(track, calibration, decide_track=decision.decide_track):
        decided.append(track.track)
        return decide_track(track, calibration)

    monkeypatch.setattr(decision, "decide_track", decide)
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 12)
    make_predictor(SeesColors()).analyze(path)
    assert decided == [1]


def test_a_predictor_that_is_loaded_samples_as_the_parameters_say(monkeypatch):
    monkeypatch.chdir(PROJECT)
    model = make_model(SeesColors())
    monkeypatch.setattr(module, "load_model", lambda *given: {("released", "auto"): model}[given])
    params = module.load_params().predict
    loaded = DeepfakePredictor.load("released")
    crops = CropLimits(params.max_crops_per_track, params.max_crop_gap_seconds)
    assert loaded.sampling == Sampling(params.frame_stride, params.max_frames, None, crops)
    assert loaded.model == model


def test_a_predictor_may_be_loaded_for_rare_fakes_and_rare_false_alarms(monkeypatch):
    model = make_model(SeesColors(), real_probabilities=[n / 100 for n in range(99)])
    monkeypatch.setattr(module, "load_model", lambda *given: model)
    loaded = DeepfakePredictor.load(None, Sampling(1), "keras", 0.1, 0.05).model.calibration
    assert loaded.prevalence == 0.1
    odds = 0.94 / 0.06 / 9  # 0.94 is the 95th of 99 real videos; one fake for nine real ones
    assert loaded.min_fake_probability == pytest.approx(odds / (1 + odds))


def test_frames_are_counted_by_the_header(tmp_path):
    predictor = make_predictor(SeesColors())
    assert predictor.count_frames(write_clip(tmp_path / "a.mp4", [make_frame()] * 7)) == 7
    cv2.imwrite(str(tmp_path / "a.png"), make_frame())
    assert predictor.count_frames(tmp_path / "a.png") == 1


def test_importing_the_package_loads_neither_tensorflow_nor_a_model():
    code = (
        "import sys, deepfake_detector; deepfake_detector.DeepfakePredictor; "
        "sys.exit({'tensorflow', 'keras', 'torch'} & set(sys.modules) and 1 or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "src", capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_package_has_no_other_name():
    import deepfake_detector

    with pytest.raises(AttributeError, match="no attribute 'Predictor'"):
        _ = deepfake_detector.Predictor


class CountsCrops:
    """Stands in for a face classifier: red is fake, blue is real; counts the crops it is shown."""

    crop_px, crop_scale, fusion_weight, min_detection_score = 32, 1.0, 1.0, 0.1
    crops = 0

    def predict_on_batch(self, crops):
        self.crops += len(crops)
        middle = np.asarray(crops)[:, 16, 16]  # [B, 3]
        return np.where(middle[:, 0] > middle[:, 2], 3.0, -3.0)


def analyze_with_classifier(tmp_path, frames, limits):
    classifier = CountsCrops()
    model = make_model(SeesColors(), classifier, classifier_sha256="2" * 64)
    path = write_clip(tmp_path / "a.mp4", frames)
    predictor = DeepfakePredictor(model, Sampling(1, crops=limits))
    return predictor.analyze(path), classifier


def test_a_face_is_classified_as_often_as_the_cap_says_and_its_verdict_stays(tmp_path):
    clip = [make_frame([FAKE])] * 24
    capped, classifier = analyze_with_classifier(tmp_path, clip, CropLimits(8, 1.5))
    assert classifier.crops == 8
    whole, classifier = analyze_with_classifier(tmp_path, clip, None)
    assert classifier.crops == 24
    assert capped.verdict.probability == pytest.approx(whole.verdict.probability)
    assert capped.faces["fake"].tolist() == pytest.approx(whole.faces["fake"].tolist())
    assert capped.faces["classifier_fake_score"].notna().sum() == 8


def test_in_a_long_video_one_crop_in_so_much_time_is_classified(tmp_path):
    clip = [make_frame([FAKE])] * 60
    _, classifier = analyze_with_classifier(tmp_path, clip, CropLimits(2, 1.5))
    assert classifier.crops == 4


def test_a_part_that_is_forged_is_found_to_the_frame_though_few_crops_are_classified(tmp_path):
    clip = [make_frame([FAKE if 40 <= n < 60 else REAL]) for n in range(100)]
    analysis, classifier = analyze_with_classifier(tmp_path, clip, CropLimits(8, 1.0))
    assert classifier.crops == 10 + 2 * 9  # one a second, and all around both changes
    looks_fake = analysis.faces["fake"] > analysis.faces["real"]
    assert analysis.faces["frame"][looks_fake].tolist() == list(range(40, 60))


def test_what_is_hardly_a_face_is_not_classified(tmp_path):
    class Unsure(SeesColors):
        def predict_on_batch(self, images):
            found = super().predict_on_batch(images)
            return {**found, "scores": found["scores"] * 0.4}

    classifier = CountsCrops()
    model = make_model(Unsure(), classifier, classifier_sha256="2" * 64)
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 4)
    analysis = DeepfakePredictor(model, Sampling(1)).analyze(path)
    assert classifier.crops == 0
    assert analysis.faces["frame"].tolist() == [0, 2, 3]  # frame 1 was not detected
    assert analysis.faces["fake"].tolist() == pytest.approx([0.36] * 3, abs=0.01)
    assert analysis.tracks == []
