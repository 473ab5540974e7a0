"""The model card of an exported detector, after Mitchell et al. 2019 ("Model Cards")."""

from dataclasses import dataclass

from deepfake_detector.export.agreement import Agreement
from deepfake_detector.export.formats import INTEGER_RUNNERS

FIGURES = {
    "map_50": "mAP",
    "ap_real": "AP real",
    "ap_fake": "AP fake",
    "class_agnostic_ap_50": "class-agnostic AP",
    "matched_label_accuracy": "label accuracy",
}

FLOORS = {"map_50": "map_50_random_labels", "matched_label_accuracy": "majority_label_accuracy"}
"""What boxes as found with labels thrown by a coin reach."""

CARD = """# Deepfake detector: model card

Finds the faces in a picture and labels each real or fake. Detector of SHA-256 `{digest}`.

## Files

`sha256sum -c SHA256SUMS` checks them. All take RGB, 0-255, float32 [B, {size}, {size}, 3], and
those of LiteRT one picture at a time (B = 1). They give `boxes` [B, {max_detections}, 4] (left,
top, right, bottom in fractions of the picture) and `scores` [B, {max_detections}, 2] (probability
of a real and of a fake face), the likeliest face first, unused rows zero. Decoding and
suppression are inside.

| file | made for | compared with Keras on validation frames |
|---|---|---|
{files}
{classifier}
## Data

{data}

## Measured

{measured}

## Limits

- It knows the forgeries, people and cameras it was trained on. A new method, strong compression or
  another camera can turn its labels round. A score is no calibrated probability.
- A frame is seen at {size} × {size} px: of a face under about 30 px there, nothing of a forgery is
  left.
- Its word alone is no ground for an accusation.

## Licences

{licences}
"""

CLASSIFIER = """
The face classifier, in `face_classifier/`, `face_classifier.onnx` and `face_classifier.tflite`,
takes crops [B, {crop_px}, {crop_px}, 3] of single faces in the frame as it was filmed, scaled
alike, and gives `fake_logit` [B] (above 0: rather fake). A crop is a square around the middle of
the found box, {crop_scale:g} times its longer side. Faces whose two scores sum to
{min_detection_score:g} or more are analyzed; their logit, weighing {fusion_weight:g}, and the
logit of fake / (real + fake), weighing the rest, make the new share of fake; the sum of both
scores stays. Largest difference of a logit from Keras: {difference:.1e}.
"""


@dataclass(frozen=True)
class CardContent:
    """What the card tells of this detector.

    Attributes:
        splits: `summary.json` of `split`: counts by split.
        metrics: `test` of `metrics.json` of `evaluate`; None where it was not evaluated.
        licences: as `data/videos.csv` names them, of the videos trained on.
        maps: mAP on the validation frames, of `Keras` and of the files in integers.
    """

    digest: str
    size_px: int
    max_detections: int
    splits: dict
    metrics: dict | None
    licences: list[str]
    agreements: dict[str, Agreement]
    maps: dict[str, float]


def make_card(content: CardContent, classifier: str) -> str:
    """Make the card's text; `classifier` is what `describe_classifier` says, or nothing."""
    named = [licence for licence in content.licences if licence]
    videos = (
        f"The videos trained on name: {', '.join(named)}."
        if named
        else ("The videos trained on name no licence in `data/videos.csv`.")
    )
    return CARD.format(
        digest=content.digest,
        size=content.size_px,
        max_detections=content.max_detections,
        files="\n".join(_list_files(content)),
        classifier=classifier,
        data="\n".join(_list_data(content.splits)),
        measured="\n".join(_list_figures(content.metrics)),
        licences=f"{videos}\nWhat holds for them may hold for what was learned from them.",
    )


def describe_classifier(classifier, difference: float) -> str:
    """Describe how a face classifier is used."""
    return CLASSIFIER.format(
        crop_px=classifier.crop_px,
        crop_scale=classifier.crop_scale,
        min_detection_score=classifier.min_detection_score,
        fusion_weight=classifier.fusion_weight,
        difference=difference,
    )


def _list_files(content: CardContent):
    uses = {
        "saved_model": "TensorFlow, TensorFlow Serving",
        "detector.onnx": "ONNX Runtime, OpenVINO",
        "detector.tflite": "LiteRT: phones, small computers",
    }
    for name, use in uses.items():
        found = content.agreements[name]
        yield (
            f"| `{name}` | {use} | {found.different} of {found.faces} faces in {found.frames} "
            f"frames differ, the others by {found.largest:.1e} at most |"
        )
    for name in INTEGER_RUNNERS:
        yield (
            f"| `{name}` | the same, in 8-bit integers: faster on most CPUs | "
            f"mAP {content.maps[name]:.4f}, Keras {content.maps['Keras']:.4f} |"
        )


def _list_data(splits: dict):
    yield "| split | videos | sources | frames | real faces | fake faces |"
    yield "|---|---|---|---|---|---|"
    for name, count in splits.items():
        columns = ("videos", "sources", "frames", "real_faces", "fake_faces")
        yield f"| {name} | " + " | ".join(str(count[column]) for column in columns) + " |"


def _list_figures(metrics: dict | None):
    if metrics is None:
        yield "Not measured yet: `dvc repro` measures it on the test split."
        return
    yield (
        f"On {metrics['videos']} test videos of {metrics['sources']} sources, {metrics['faces']} "
        "faces, in Keras and with the face classifier where there is one. Intervals: "
        f"{metrics['intervals']}."
    )
    yield ""
    yield "| figure | value | 95 % interval | by chance |"
    yield "|---|---|---|---|"
    for name, title in FIGURES.items():
        low, high = (_to_text(metrics[f"{name}_ci95_{end}"]) for end in ("low", "high"))
        floor = _to_text(metrics[FLOORS[name]]) if name in FLOORS else ""
        yield f"| {title} | {_to_text(metrics[name])} | {low} to {high} | {floor} |"


def _to_text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
