"""The model card of an exported detector, after Mitchell et al. 2019 ("Model Cards")."""

from dataclasses import dataclass

from deepfake_detector.export.agreement import Agreement
from deepfake_detector.export.formats import INTEGER_RUNNERS

FIGURES = {
    "map": "mAP",
    "ap_real": "AP real",
    "ap_fake": "AP fake",
    "location_ap": "location-only AP",
    "label_accuracy": "label accuracy",
}

FLOORS = {"map": "map_chance", "label_accuracy": "label_accuracy_floor"}
"""What boxes as found with labels thrown by a coin reach."""

CARD = """# Deepfake detector: model card

Finds the faces in a picture and labels each real or fake. Detector of SHA-256 `{digest}`.

## Files

`sha256sum -c SHA256SUMS` checks them. All take RGB, 0-255, float32 [B, {size}, {size}, 3], and
those of LiteRT one picture at a time (B = 1). They give `boxes` [B, {most}, 4] (left, top, right,
bottom in fractions of the picture) and `scores` [B, {most}, 2] (probability of a real and of a
fake face), the likeliest face first, unused rows zero. Decoding and suppression are inside.

| file | made for | compared with Keras on validation frames |
|---|---|---|
{files}
{look}
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

LOOK = """
The second look, in `second_look/`, `second_look.onnx` and `second_look.tflite`, takes crops
[B, {crop_px}, {crop_px}, 3] of single faces in the frame as it was filmed, scaled alike, and
gives `fake_logit` [B] (above 0: rather fake). A crop is a square around the middle of the found
box, {reach:g} times its longer side. Faces whose two scores sum to {least_score:g} or more are
looked at; their logit, weighing {weight:g}, and the logit of fake / (real + fake), weighing the
rest, make the new share of fake; the sum of both scores stays.
Largest difference of a logit from Keras: {difference:.1e}.
"""


@dataclass(frozen=True)
class CardFacts:
    """What the card tells of this detector.

    Attributes:
        splits: `summary.json` of `split`: counts by split.
        figures: `test` of `metrics.json` of `evaluate`; None where it was not evaluated.
        licences: as `data/videos.csv` names them, of the videos trained on.
        maps: mAP on the validation frames, of `Keras` and of the files in integers.
    """

    digest: str
    size_px: int
    most: int
    splits: dict
    figures: dict | None
    licences: list[str]
    agreements: dict[str, Agreement]
    maps: dict[str, float]


def make_card(facts: CardFacts, look: str) -> str:
    """Make the card's text; `look` is what `describe_look` says, or nothing."""
    named = [licence for licence in facts.licences if licence]
    videos = (
        f"The videos trained on name: {', '.join(named)}."
        if named
        else ("The videos trained on name no licence in `data/videos.csv`.")
    )
    return CARD.format(
        digest=facts.digest,
        size=facts.size_px,
        most=facts.most,
        files="\n".join(_list_files(facts)),
        look=look,
        data="\n".join(_list_data(facts.splits)),
        measured="\n".join(_list_figures(facts.figures)),
        licences=f"{videos}\nWhat holds for them may hold for what was learned from them.",
    )


def describe_look(look, difference: float) -> str:
    """Describe how a second look is used."""
    return LOOK.format(
        crop_px=look.crop_px,
        reach=look.reach,
        least_score=look.least_score,
        weight=look.weight,
        difference=difference,
    )


def _list_files(facts: CardFacts):
    uses = {
        "saved_model": "TensorFlow, TensorFlow Serving",
        "detector.onnx": "ONNX Runtime, OpenVINO",
        "detector.tflite": "LiteRT: phones, small computers",
    }
    for name, use in uses.items():
        found = facts.agreements[name]
        yield (
            f"| `{name}` | {use} | {found.different} of {found.faces} faces in {found.frames} "
            f"frames differ, the others by {found.largest:.1e} at most |"
        )
    for name in INTEGER_RUNNERS:
        yield (
            f"| `{name}` | the same, in 8-bit integers: faster on most CPUs | "
            f"mAP {facts.maps[name]:.4f}, Keras {facts.maps['Keras']:.4f} |"
        )


def _list_data(splits: dict):
    yield "| split | videos | sources | frames | real faces | fake faces |"
    yield "|---|---|---|---|---|---|"
    for name, count in splits.items():
        columns = ("videos", "sources", "frames", "real_faces", "fake_faces")
        yield f"| {name} | " + " | ".join(str(count[column]) for column in columns) + " |"


def _list_figures(figures: dict | None):
    if figures is None:
        yield "Not measured yet: `dvc repro` measures it on the test split."
        return
    yield (
        f"On {figures['videos']} test videos of {figures['sources']} sources, {figures['faces']} "
        "faces, in Keras and with the second look where there is one. Intervals: "
        f"{figures['intervals']}."
    )
    yield ""
    yield "| figure | value | 95 % interval | by chance |"
    yield "|---|---|---|---|"
    for name, title in FIGURES.items():
        low, high = (_to_text(figures[f"{name}_{end}"]) for end in ("low", "high"))
        floor = _to_text(figures[FLOORS[name]]) if name in FLOORS else ""
        yield f"| {title} | {_to_text(figures[name])} | {low} to {high} | {floor} |"


def _to_text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
