"""Files for ONNX Runtime: made from Keras, checked, and never used for another detector."""

import json
import shutil
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest

from builders import write_calibration
from clips import make_frame, write_clip
from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.frame_records import FrameRecord, write_shard
from deepfake_detector.export import inference_files
from deepfake_detector.export.folders import write_checksums
from deepfake_detector.export.inference_files import write_inference_files, write_released_graphs
from deepfake_detector.export.onnx_file import make_face_classifier
from deepfake_detector.inference import engine
from deepfake_detector.inference.detector import FACE_CLASSIFIER, Detector, load_detector
from deepfake_detector.inference.engine import load_networks
from deepfake_detector.inference.model_folders.released import (
    GRAPHS,
    hash_networks,
    load_in_keras,
    load_released,
)
from deepfake_detector.inference.onnx_networks import OnnxFaceClassifier, OnnxSsd
from deepfake_detector.models.backbones import clip_vision
from deepfake_detector.models.face_classifier import FaceClassifier, build_face_classifier
from deepfake_detector.models.released_weights import (
    load_released_weights,
    write_encoder,
    write_late_heads,
    write_released_weights,
    write_sums,
)
from deepfake_detector.models.ssd.network import build_detector, build_inference_model
from deepfake_detector.models.ssd.precision import fit_precision
from deepfake_detector.models.weights_file import write_arrays
from small_detector import save_small_detector

IMAGES = np.random.default_rng(1).uniform(0, 255, (9, 8, 8, 3)).astype(np.float32)
CROPS = list(np.random.default_rng(2).integers(0, 255, (7, 64, 64, 3), np.uint8))


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """A shard of three frames with a face in each."""
    path = tmp_path_factory.mktemp("shards") / "a.mp4.tfrecord"
    box, generator = np.float32([[0.2, 0.2, 0.6, 0.6]]), np.random.default_rng(5)
    images = generator.integers(0, 255, (3, 40, 40, 3), np.uint8)
    jpegs = [cv2.imencode(".jpg", image)[1].tobytes() for image in images]
    write_shard(
        path,
        [
            FrameRecord(jpeg, box, np.array([1]), [], np.zeros((0, 4)), "a.mp4", frame, 40, 40)
            for frame, jpeg in enumerate(jpegs)
        ],
    )
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory, shard):
    """A small detector as `train` leaves it."""
    train = save_small_detector(tmp_path_factory.mktemp("train")).parent
    write_inference_files(train, [shard])
    return train


def load_exact(path):
    """Load a detector in Keras and float32, also where a CPU has units for bfloat16."""
    detector = load_detector(path)
    fit_precision(detector.ssd, "float32")
    return detector


@pytest.fixture
def train(written, tmp_path):
    return shutil.copytree(written, tmp_path / "train")


def assert_alike(found: Detector, expected: Detector):
    faces, expected_faces = (d.ssd.predict_on_batch(IMAGES) for d in (found, expected))
    for name in ("boxes", "scores"):
        np.testing.assert_allclose(faces[name], expected_faces[name], atol=1e-5)
    np.testing.assert_allclose(found.classify(CROPS), expected.classify(CROPS), atol=1e-4)
    assert found.image_size_px == expected.image_size_px
    assert found.crop_shape == expected.crop_shape
    assert found.fusion_weight == expected.fusion_weight
    assert (
        found.face_classifier.min_detection_score == expected.face_classifier.min_detection_score
    )


def test_onnx_runtime_finds_what_keras_finds(written):
    for asked in ("auto", "onnxruntime"):
        found = load_networks(written / "detector.keras", asked)
        assert isinstance(found.ssd, OnnxSsd)
        assert isinstance(found.face_classifier, OnnxFaceClassifier)
    assert_alike(found, load_exact(written / "detector.keras"))


@pytest.fixture
def loads_keras(monkeypatch):
    """Loading Keras' files gives their name, as that takes seconds."""
    monkeypatch.setattr(engine, "load_detector", lambda path, face_classifier: path.name)


def test_keras_is_used_where_it_is_asked_for(written, loads_keras):
    assert load_networks(written / "detector.keras", "keras") == "detector.keras"


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 4, 9])
def test_images_come_back_in_their_order_however_many_threads(written, count, threads):
    network = OnnxSsd(written / "onnx/detector.onnx", threads)
    expected = [network.run(image[None])["scores"][0] for image in IMAGES[:count]]
    np.testing.assert_array_equal(network.run(IMAGES[:count])["scores"], expected)


def change_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


BREAKAGES = {
    "a new detector": (
        lambda train: (train / "detector.keras").write_bytes(
            (train / "detector.keras").read_bytes() + b" "
        ),
        r"detector\.keras is not the one in SHA256SUMS",
    ),
    "a damaged file": (
        lambda train: change_byte(train / "onnx/face_classifier.onnx"),
        r"face_classifier\.onnx is not the one in SHA256SUMS",
    ),
    "no classifier any more": (
        lambda train: (train / FACE_CLASSIFIER).unlink(),
        "made from another detector",
    ),
    "a file is missing": (
        lambda train: (train / "onnx/face_classifier.onnx").unlink(),
        "made from another detector",
    ),
    "no files": (lambda train: shutil.rmtree(train / "onnx"), "no files for ONNX Runtime here"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_files_of_another_detector_are_never_used(train, breakage, caplog, loads_keras):
    break_it, message = BREAKAGES[breakage]
    break_it(train)
    with pytest.raises(ValueError, match=rf"{message}; run `dvc repro train`, or set inference"):
        load_networks(train / "detector.keras", "onnxruntime")
    with caplog.at_level("INFO"):
        assert load_networks(train / "detector.keras", "auto") == "detector.keras"
    assert "Keras is used" in caplog.text


def test_a_network_that_gives_other_logits_is_not_written(train, shard, monkeypatch):
    def make(classifier, place):
        def place_other(name, values):
            return place(
                name, values + np.float32(0.1) if name == "classifier_1/logit/1" else values
            )

        return make_face_classifier(classifier, place_other)

    monkeypatch.setattr(inference_files, "make_face_classifier", make)
    before = (train / "onnx/SHA256SUMS").read_text()
    with pytest.raises(ValueError, match=r"face_classifier\.onnx: a logit is 0\.05 from that of"):
        write_inference_files(train, [shard])
    assert (train / "onnx/SHA256SUMS").read_text() == before


def test_predict_imports_neither_tensorflow_nor_keras(written, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [make_frame([("fake", (0, 0, 160, 120))])] * 12)
    write_calibration(written / "calibration.json", written / "detector.keras")
    code = (
        "import sys; sys.argv[0] = 'predict.py'; sys.path.insert(0, 'src')\n"
        "import predict; predict.main()\n"
        "print([name for name in ('tensorflow', 'keras', 'mlflow') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(clip), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--model", str(written)], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    report = (tmp_path / "out/clip/report.html").read_text(encoding="utf-8")
    assert "likely fake" in done.stderr
    assert "data:image" in report


@pytest.fixture(scope="module")
def released(tmp_path_factory, shard):
    """A released folder of random weights, and the Keras detector it was made from."""
    folder = tmp_path_factory.mktemp("work") / "released"
    params = load_params(PROJECT / "params.yaml")
    face_params = params.face_classifier.model_copy(
        update={"crop_px": 64, "ensemble_size": 1, "crop_scale": 1.7}
    )
    keras.utils.set_random_seed(3)
    few = params.detector.detections.model_copy(update={"max_detections": 5})
    detector_params = params.detector.model_copy(update={"detections": few})
    ssd = build_inference_model(build_detector(detector_params), detector_params)
    for layer in ssd.layers:
        if layer.name.startswith("label_") and layer.weights:  # scores far enough apart to rank
            kernel = np.random.default_rng(3).normal(0, 0.2, layer.kernel.shape)
            layer.kernel.assign(kernel)
    detector = Detector(ssd, build_face_classifier(face_params))
    write_released_weights(folder, ssd, detector.face_classifier, detector_params, face_params)
    load_released_weights(folder, ssd, detector.face_classifier)
    detector.face_classifier.heads[0].bias.assign([0.7])  # fitted afterwards
    write_late_heads(folder, detector.face_classifier)
    write_released_graphs(detector, folder, [shard])
    write_checksums(folder)
    (folder / "card.json").write_text("{}")
    write_calibration(folder / "calibration.json", folder / "weights.npz")
    return folder, detector


def test_released_graphs_take_the_weights_that_keras_reads(released):
    folder, detector = released
    found, _, _ = load_released(folder, "auto")
    assert isinstance(found.ssd, OnnxSsd)
    crops = CROPS[:3]
    np.testing.assert_allclose(found.classify(crops), detector.classify(crops), atol=1e-4)
    images = np.random.default_rng(1).uniform(0, 255, (2, 300, 300, 3)).astype(np.float32)
    faces, expected = found.ssd.predict_on_batch(images), detector.ssd.predict_on_batch(images)
    np.testing.assert_allclose(faces["scores"], expected["scores"], atol=1e-5)
    assert found.crop_shape == (1.7, 64)
    keras_detector = load_in_keras(folder)
    np.testing.assert_array_equal(keras_detector.classify(crops), detector.classify(crops))
    assert sum((folder / name).stat().st_size for name in GRAPHS) < 500_000


def test_other_heads_are_another_classifier(released, tmp_path):
    folder = shutil.copytree(released[0], tmp_path / "released")
    ssd, classifier = hash_networks(folder)
    released[1].face_classifier.heads[0].bias.assign([0.8])
    write_late_heads(folder, released[1].face_classifier)
    released[1].face_classifier.heads[0].bias.assign([0.7])
    assert hash_networks(folder)[0] == ssd
    assert hash_networks(folder)[1] != classifier


@pytest.fixture
def with_encoder(released, tmp_path, shard, monkeypatch):
    """A folder of one network and an encoder of one block, in 8 bits, with crops of 230 px."""
    monkeypatch.setattr(clip_vision, "BLOCKS", 1)
    folder = shutil.copytree(released[0], tmp_path / "encoder")
    model = json.loads((folder / "model.json").read_text())
    model["face_classifier"]["crop_px"] = 230
    (folder / "model.json").write_text(json.dumps(model))
    classifier = FaceClassifier(230, 1.7, 1.0, 0.1, 0.3, 1, has_encoder=True)
    layer = classifier.features[-1].get_layer(clip_vision.LAYER_NAME)
    generator, weights = np.random.default_rng(6), {}
    for name, weight in layer.name_weights().items():
        values = keras.ops.convert_to_numpy(weight)
        if values.dtype == np.int8:
            values = generator.integers(-127, 128, values.shape, np.int8)
        weights[name] = values / 2000 if name.endswith(":scale") else values
    write_encoder(folder / "encoder.npz", weights)
    write_late_heads(folder, classifier)
    write_sums(folder)
    detector = load_in_keras(folder)
    write_released_graphs(detector, folder, [shard])
    write_checksums(folder)
    return folder, detector


def test_an_encoder_is_one_more_of_the_networks(with_encoder, released):
    folder, detector = with_encoder
    found, _, _ = load_released(folder, "auto")
    assert found.crop_shape == detector.crop_shape == (1.7, 230)
    crops = list(np.random.default_rng(2).integers(0, 255, (3, 230, 230, 3), np.uint8))
    logits = detector.classify(crops)
    assert np.ptp(logits) > 1e-3
    np.testing.assert_allclose(found.classify(crops), logits, atol=1e-4)
    classifier = detector.face_classifier
    assert classifier.network_names == ["classifier_1", "encoder"]
    alone = []
    for features, head in zip(classifier.features, classifier.heads, strict=True):
        alone.append(head(features.predict_on_batch(np.float32(crops))).numpy()[:, 0])
    np.testing.assert_allclose(np.mean(alone, axis=0), logits, atol=1e-5)
    with np.load(folder / "encoder.npz") as file:
        assert {file[name].dtype for name in file.files} == {np.dtype(np.int8), np.dtype("f4")}
    assert hash_networks(folder)[0] == hash_networks(released[0])[0]
    assert hash_networks(folder)[1] != hash_networks(released[0])[1]


def test_an_encoder_that_lacks_a_weight_is_named(with_encoder):
    folder = with_encoder[0]
    with np.load(folder / "encoder.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays.pop("encoder/clip_vision/3")
    write_arrays(arrays, folder / "encoder.npz")
    write_sums(folder)
    with pytest.raises(ValueError, match=r"encoder\.npz: encoder/clip_vision/3 is missing"):
        load_in_keras(folder)


def test_a_changed_encoder_is_rejected(with_encoder):
    change_byte(with_encoder[0] / "encoder.npz")
    for engine_name in ("auto", "keras"):
        with pytest.raises(ValueError, match=r"encoder\.npz: its SHA-256 .*`dvc pull released`"):
            load_released(with_encoder[0], engine_name)


@pytest.mark.parametrize("name", ["weights.npz", "detector.onnx"])
def test_a_released_file_that_is_changed_is_rejected(released, tmp_path, name):
    folder = shutil.copytree(released[0], tmp_path / "released")
    change_byte(folder / name)
    with pytest.raises(ValueError, match=rf"{name}: its SHA-256 .*`dvc pull released`"):
        load_released(folder, "auto")


def test_a_version_released_without_graphs_runs_in_keras(released, tmp_path):
    folder = shutil.copytree(released[0], tmp_path / "released")
    for name in GRAPHS:
        (folder / name).unlink()
    model = json.loads((folder / "model.json").read_text())
    model["face_classifier"]["pairs"] = {"cross_frame_prob": 0.3}  # it was trained by older code
    (folder / "model.json").write_text(json.dumps(model))
    write_checksums(folder)
    with pytest.raises(ValueError, match="released without graphs for ONNX Runtime"):
        load_released(folder, "onnxruntime")
    assert isinstance(load_released(folder, "auto")[0].ssd, keras.Model)
