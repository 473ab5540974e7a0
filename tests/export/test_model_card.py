from dataclasses import replace
from types import SimpleNamespace

from deepfake_detector.export.agreement import Agreement
from deepfake_detector.export.model_card import CardContent, describe_classifier, make_card

COUNTS = {"videos": 4, "sources": 2, "frames": 40, "real_faces": 20, "fake_faces": 19}
FACTS = CardContent(
    digest="abc123",
    size_px=300,
    max_detections=200,
    splits={"train": COUNTS},
    metrics=None,
    licences=["", "CC BY 4.0", "MIT"],
    agreements={
        name: Agreement(10, 2000, 1, 0.00002)
        for name in ("saved_model", "detector.onnx", "detector.tflite")
    },
    maps={"Keras": 0.75, "detector_int8.onnx": 0.745, "detector_int8.tflite": 0.74},
)
FIGURES = {
    f"{name}{end}": value
    for name in ("map_50", "ap_real", "ap_fake", "class_agnostic_ap_50", "matched_label_accuracy")
    for end, value in (("", 0.7), ("_ci95_low", 0.6), ("_ci95_high", None))
}
FIGURES |= {"videos": 3, "sources": 2, "faces": 30, "intervals": "by 2 sources"}
FIGURES |= {"map_50_random_labels": 0.5, "majority_label_accuracy": 0.51}


def test_the_card_tells_files_data_and_licences():
    card = make_card(FACTS, "")
    assert "SHA-256 `abc123`" in card
    assert "float32 [B, 300, 300, 3]" in card
    assert "1 of 2000 faces in 10 frames differ, the others by 2.0e-05 at most" in card
    assert "| mAP 0.7450, Keras 0.7500 |" in card
    assert "| `detector_int8.tflite` |" in card
    assert "| mAP 0.7400, Keras 0.7500 |" in card
    assert "| train | 4 | 2 | 40 | 20 | 19 |" in card
    assert "CC BY 4.0, MIT." in card
    assert "Not measured yet" in card


def test_the_card_tells_figures_with_interval_and_floor():
    card = make_card(replace(FACTS, metrics=FIGURES, licences=[""]), "")
    assert "| mAP | 0.700 | 0.600 to n/a | 0.500 |" in card
    assert "| AP real | 0.700 | 0.600 to n/a |  |" in card
    assert "by 2 sources" in card
    assert "name no licence" in card


def test_a_face_classifier_is_described_with_its_own_numbers():
    classifier = SimpleNamespace(
        crop_px=192, crop_scale=1.3, min_detection_score=0.1, fusion_weight=1.0
    )
    text = describe_classifier(classifier, 0.0002)
    assert "[B, 192, 192, 3]" in text
    assert "1.3 times its longer side" in text
    assert "from Keras: 2.0e-04." in text
    assert text in make_card(FACTS, text)
