"""All figures of an evaluation together, and as text for people."""

import math

from deepfake_detector.config.schema import EvaluateParams
from deepfake_detector.evaluation.by_face_size import measure_sizes
from deepfake_detector.evaluation.confidence_intervals import measure_intervals
from deepfake_detector.evaluation.detection_metrics import (
    measure_chance,
    measure_labels,
    measure_precision,
    measure_threshold,
)
from deepfake_detector.evaluation.evaluation_frames import HeldOut, count_held_out
from deepfake_detector.evaluation.shortcut_probes import shortcuts_to_text
from deepfake_detector.metrics.face_matching import SIZES

FEWEST_SOURCES = 20
"""With fewer test sources the report says that they are no benchmark."""

ROWS = {
    "AP real": "ap_real",
    "AP fake": "ap_fake",
    "mAP": "map",
    "location-only AP": "location_ap",
    "label accuracy": "label_accuracy",
}


def measure(held_out: HeldOut, params: EvaluateParams, threshold: float, seed: int) -> dict:
    """Measure everything: figures by name, and how the intervals were made in `intervals`."""
    overlap = params.overlap
    return {
        **measure_precision(held_out, overlap),
        **measure_chance(held_out, overlap, seed),
        **measure_labels(held_out, overlap),
        **measure_intervals(held_out, overlap, params.resamples, seed),
        **measure_threshold(held_out, overlap, threshold),
        **measure_sizes(held_out, overlap),
        **count_held_out(held_out),
    }


def measure_single_shot(held_out: HeldOut, overlap: float) -> dict[str, float]:
    """Measure faces that were not looked at a second time: `single_shot_map`, ..."""
    values = measure_precision(held_out, overlap) | measure_labels(held_out, overlap)
    names = ("ap_real", "ap_fake", "map", "label_accuracy")
    return {f"single_shot_{name}": values[name] for name in names}


def figures_to_json(figures: dict) -> dict:
    """Replace NaN, which JSON has not, by None; round to what the figures can bear."""
    return {name: _to_json(value) for name, value in figures.items()}


def figures_to_text(figures: dict, overlap: float) -> str:
    """Make the table of results for people, with what it rests on and what it is not."""
    lines = [
        f"Test: {count_to_text(figures)}",
        f"Average precision: area under the precision envelope, overlap {overlap:g}",
        "",
        f"{'':<20}{'value':>8}   {'95 % interval':<18}by chance",
    ]
    chance = {"map": "map_chance", "label_accuracy": "label_accuracy_floor"}
    for title, name in ROWS.items():
        floor = _value_to_text(figures[chance[name]]) if name in chance else ""
        interval = _interval_to_text(figures[f"{name}_low"], figures[f"{name}_high"])
        value = _value_to_text(figures[name])
        lines.append(f"{title:<20}{value:>8}   {interval:<18}{floor}".rstrip())
    if "single_shot_map" in figures:
        alone = [_value_to_text(figures[f"single_shot_{n}"]) for n in ("map", "label_accuracy")]
        lines.append(f"Without the second look: mAP {alone[0]}, label accuracy {alone[1]}")
    lines += ["", _other_rules_to_text(figures), _sizes_to_text(figures), ""]
    lines.append(f"Intervals: {figures['intervals']}.")
    if figures["sources"] < FEWEST_SOURCES:
        lines.append(
            f"A test on {count(figures['sources'], 'source')} is no benchmark: other people in "
            "front of other cameras may give quite other figures."
        )
    shortcuts = shortcuts_to_text(figures)
    return "\n".join([*lines, "", shortcuts] if shortcuts else lines)


def count_to_text(figures: dict) -> str:
    """Say what the figures rest on, in half a line."""
    return (
        f"{count(figures['videos'], 'video')} of {count(figures['sources'], 'source')}, "
        f"{count(figures['frames'], 'frame')}, {count(figures['faces'], 'face')} "
        f"({figures['faces_real']:,} real, {figures['faces_fake']:,} fake)"
    )


def count(number: int, noun: str) -> str:
    """Say `1 video`, `2 videos`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _other_rules_to_text(figures: dict) -> str:
    values = [figures["map_voc_11"], figures["map_coco"]]
    voc_11, coco = (_value_to_text(value) for value in values)
    return f"mAP by other rules: VOC 11 points {voc_11}, COCO 0.50:0.95 {coco}"


def _sizes_to_text(figures: dict) -> str:
    sizes = [
        f"{size} {_value_to_text(figures[f'map_{size}'])} "
        f"({count(figures[f'faces_{size}'], 'face')})"
        for size in SIZES
    ]
    return f"mAP by face size: {', '.join(sizes)}"


def _interval_to_text(low: float, high: float) -> str:
    return "n/a" if math.isnan(low) else f"{low:.3f} to {high:.3f}"


def _value_to_text(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}"


def _to_json(value):
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(float(value), 6)
