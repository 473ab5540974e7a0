import zipfile

import keras
import numpy as np
import pandas as pd
import pytest

from deepfake_detector.inference.detector import (
    FACE_CLASSIFIER,
    Detector,
    check_archive,
    choose_shown,
    detect_faces,
    detect_in_frames,
    load_detector,
    outputs_to_boxes,
    resize_frames,
    scale_to_px,
)
from deepfake_detector.video.frame_reader import Frame
from small_detector import save_small_detector

FACE = [0.25, 0.25, 0.75, 0.75]


class OneFace:
    """Stands in for a SSD: a doubtful face in each image that is not black."""

    input_shape = (None, 30, 30, 3)

    def predict_on_batch(self, images):
        boxes, scores = np.zeros((len(images), 2, 4)), np.zeros((len(images), 2, 2))
        seen = np.asarray(images).max(axis=(1, 2, 3)) > 0
        boxes[seen, 0], scores[seen, 0] = FACE, [0.4, 0.4]
        return {"boxes": boxes, "scores": scores}


class Brightness:
    """Stands in for a face classifier: the brighter a face, the likelier it is fake."""

    crop_px, crop_scale, fusion_weight, min_detection_score = 8, 1.0, 1.0, 0.1

    def predict_on_batch(self, crops):
        return crops.mean(axis=(1, 2, 3)) - 100


def make_frame(gray, width_px=80, height_px=60):
    return np.full((height_px, width_px, 3), gray, np.uint8)


def test_a_face_is_classified_in_the_frame_as_it_was_filmed():
    dark, bright = detect_faces(
        Detector(OneFace(), Brightness()), [make_frame(98), make_frame(103)]
    )
    fake = [1 / (1 + np.exp(2.0)), 1 / (1 + np.exp(-3.0))]
    for faces, share in zip((dark, bright), fake, strict=True):
        assert faces[["left", "top", "right", "bottom"]].to_numpy().tolist() == [[20, 15, 60, 45]]
        assert faces["fake"][0] == pytest.approx(0.8 * share)
        assert faces["real"][0] == pytest.approx(0.8 * (1 - share))
        assert faces["classifier_fake_score"][0] == pytest.approx(share)
        assert faces["ssd_fake_score"][0] == pytest.approx(0.5)


def test_without_a_face_classifier_the_ssd_is_believed():
    (faces,) = detect_faces(Detector(OneFace()), [make_frame(98)])
    assert faces[["real", "fake"]].to_numpy().tolist() == [[0.4, 0.4]]
    assert faces["classifier_fake_score"].isna().all()


def test_a_frame_without_faces_gives_an_empty_table():
    nothing, found = detect_faces(
        Detector(OneFace(), Brightness()), [make_frame(0), make_frame(99)]
    )
    assert len(nothing) == 0
    assert list(nothing.columns) == list(found.columns)


def test_only_faces_detected_with_some_certainty_are_classified():
    class Shy(Brightness):
        min_detection_score = 0.9

    detector = Detector(OneFace(), Shy())
    boxes = detector.detect(resize_frames([make_frame(98)], 30))
    assert boxes[["image", "left", "top", "right", "bottom"]].to_numpy().tolist() == [[0, *FACE]]
    assert len(detector.choose_classified(boxes)) == 0  # 0.8 in all
    assert detector.classify([]).shape == (0,)
    (faces,) = detect_faces(detector, [make_frame(98)])
    assert faces["classifier_fake_score"].isna().all()


def test_boxes_are_clipped_to_the_image_and_empty_rows_left_out():
    outputs = {
        "boxes": np.array([[[-0.1, 0.0, 0.1, 1.2], [0.0, 0.0, 0.0, 0.0]]]),
        "scores": np.array([[[0.3, 0.2], [0.0, 0.0]]]),
    }
    boxes = scale_to_px(outputs_to_boxes(outputs), [(200, 100)])
    assert boxes.to_numpy().tolist() == [[0, 0, 0, 20, 100, 0.3, 0.2]]


def test_a_face_whose_label_is_not_decided_is_shown_all_the_same():
    rows = [(0.9, 0.05), (0.05, 0.9), (0.5, 0.48), (0.49, 0.48), (0.3, 0.1), (0.0, 0.0)]
    faces = pd.DataFrame(rows, columns=["real", "fake"])
    shown = choose_shown(faces, 0.5)
    assert shown.index.tolist() == [0, 1, 2, 3]
    assert shown["label"].tolist() == ["real", "fake", "real", "undecided"]
    assert shown["score"].tolist() == [0.9, 0.9, 0.5, 0.49]
    assert choose_shown(faces[:0], 0.5).columns.tolist() == ["real", "fake", "label", "score"]


def test_more_crops_than_one_batch_are_classified_in_their_order():
    crops = [np.full((4, 4, 3), number, np.uint8) for number in range(40)]
    assert Detector(None, Brightness()).classify(crops).tolist() == list(range(-100, -60))


def test_a_missing_detector_is_named_with_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"detector\.keras: no detector here; run `dvc repro`"):
        load_detector(tmp_path / "detector.keras")


def test_a_file_that_is_no_archive_is_rejected(tmp_path):
    (tmp_path / "detector.keras").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not a model of this project, or damaged"):
        load_detector(tmp_path / "detector.keras")


def test_an_archive_whose_names_are_no_text_is_rejected_by_name(tmp_path):
    path = tmp_path / "detector.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("é.json", "{}")  # its name stands in the file twice, as UTF-8
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xb9\xb9", 1))
    with pytest.raises(ValueError, match=r"detector\.keras: not a detector .*, or damaged"):
        check_archive(path)


def test_of_a_network_with_other_parts_the_cause_is_told_in_a_line(tmp_path, monkeypatch):
    def reject(*_, **__):
        raise TypeError(
            "FaceClassifier could not be made.\n\nconfig={'a': 1}\n\nmissing 'ensemble_size'"
        )

    monkeypatch.setattr("keras.models.load_model", reject)
    monkeypatch.setattr("deepfake_detector.inference.detector.check_model_content", str)
    zipfile.ZipFile(tmp_path / "detector.keras", "w").close()
    with pytest.raises(ValueError, match=r"name another model \(missing 'ensemble_size'\)$"):
        load_detector(tmp_path / "detector.keras")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_small_detector(tmp_path_factory.mktemp("train"))


def test_the_face_classifier_given_as_detector_is_called_so(saved):
    with pytest.raises(
        ValueError, match=r"face_classifier\.keras: a face classifier, expected a d"
    ):
        load_detector(saved.parent / FACE_CLASSIFIER)


def test_a_detector_given_as_face_classifier_is_called_so(saved):
    with pytest.raises(ValueError, match=r"but not a face classifier of this project$"):
        load_detector(saved, saved)


def test_another_keras_model_is_called_so(tmp_path):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, {"boxes": image, "scores": image})
    model.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match=r"a Keras model, but not a detector of this project$"):
        load_detector(tmp_path / "other.keras")


def test_a_changed_byte_anywhere_is_told_in_one_line_or_changes_nothing(saved, tmp_path):
    content = saved.read_bytes()
    red = np.full((1, 8, 8, 3), [200, 30, 30], np.float32)
    expected = load_detector(saved).ssd.predict_on_batch(red)["scores"]
    generator, messages = np.random.default_rng(3), []
    for place in generator.integers(0, len(content), 60).tolist():
        changed = bytearray(content)
        changed[place] ^= 1 << int(generator.integers(8))
        (tmp_path / "detector.keras").write_bytes(changed)
        try:
            found = load_detector(tmp_path / "detector.keras").ssd.predict_on_batch(red)
        except ValueError as error:
            messages.append(str(error))
        else:
            np.testing.assert_array_equal(found["scores"], expected)
    assert len(messages) > 30
    assert all("detector.keras: " in message for message in messages)
    assert not any("\n" in message for message in messages)


class OneBox:
    """Finds one face in each image, at the left edge, as far in as its first pixel's red says."""

    input_shape = (None, 8, 8, 3)

    def __init__(self):
        self.images = 0

    def predict_on_batch(self, images):
        self.images += len(images)
        boxes = np.zeros((len(images), 2, 4), np.float32)
        scores = np.zeros((len(images), 2, 2), np.float32)
        boxes[:, 0] = [0, 0, 0.2, 0.5]
        boxes[:, 0, 2] += images[:, 0, 0, 0] / 1000
        scores[:, 0] = [0.6, 0.3]
        return {"boxes": boxes, "scores": scores}


def detect_sparsely(reds, numbers=None, classifier=object()):  # noqa: B008  has no state
    """Detect in frames of 100 px with these reds; return right edges, and how many were seen."""
    ssd = OneBox()
    numbers = numbers or range(0, 3 * len(reds), 3)
    frames = [
        Frame(number, 0.0, np.full((100, 100, 3), red, np.uint8))
        for number, red in zip(numbers, reds, strict=True)
    ]
    rows = detect_in_frames(Detector(ssd, classifier), frames, 0.5)
    assert all(own[0, 4:].tolist() == pytest.approx([0.6, 0.3]) for own in rows)
    return [own[0, 2] for own in rows], ssd.images


def test_between_frames_where_a_face_hardly_moved_it_is_not_detected():
    assert detect_sparsely([0, 200, 20, 200, 40]) == (pytest.approx([20, 21, 22, 23, 24]), 3)
    right, looks = detect_sparsely([0, 0, 0, 200], [0, 1, 3, 4])
    assert (right[1], looks) == (pytest.approx(20), 3)


def test_the_place_between_is_by_the_numbers_of_frames():
    right, _ = detect_sparsely([0, 200, 40], [0, 3, 4])
    assert right == pytest.approx([20, 23, 24])


def test_between_frames_where_a_face_moved_it_is_detected():
    assert detect_sparsely([0, 100, 255]) == (pytest.approx([20, 30, 45.5]), 3)


def test_frames_far_apart_are_all_detected_and_so_is_the_last_one():
    assert detect_sparsely([0, 0, 0], [0, 10, 20])[1] == 3
    assert detect_sparsely([0, 0, 0, 0])[1] == 3
    assert detect_sparsely([0])[1] == 1


def test_where_the_ssd_decides_every_frame_is_detected():
    assert detect_sparsely([0, 0, 0], classifier=None)[1] == 3
