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
from deepfake_detector.evaluation.evaluation_frames import (
    EvaluationFrames,
    count_evaluation_frames,
)
from deepfake_detector.evaluation.shortcuts.shortcut_probes import shortcuts_to_text
from deepfake_detector.metrics.face_matching import SIZES

MIN_SOURCES = 20
"""With fewer test sources the report says that they are no benchmark."""

ROWS = {
    "AP real": "ap_real",
    "AP fake": "ap_fake",
    "mAP": "map_50",
    "class-agnostic AP": "class_agnostic_ap_50",
    "label accuracy": "matched_label_accuracy",
}


def measure(
    evaluated: EvaluationFrames, params: EvaluateParams, threshold: float, seed: int
) -> dict:
    """Measure everything: figures by name, and how the intervals were made in `intervals`."""
    iou_threshold = params.iou_threshold
    return {
        **measure_precision(evaluated, iou_threshold),
        **measure_chance(evaluated, iou_threshold, seed),
        **measure_labels(evaluated, iou_threshold),
        **measure_intervals(evaluated, iou_threshold, params.n_bootstrap, seed),
        **measure_threshold(evaluated, iou_threshold, threshold),
        **measure_sizes(evaluated, iou_threshold),
        **count_evaluation_frames(evaluated),
    }


def measure_ssd_only(evaluated: EvaluationFrames, iou_threshold: float) -> dict[str, float]:
    """Measure faces that were not analyzed a second time: `ssd_only_map_50`, ..."""
    values = measure_precision(evaluated, iou_threshold) | measure_labels(evaluated, iou_threshold)
    names = ("ap_real", "ap_fake", "map_50", "matched_label_accuracy")
    return {f"ssd_only_{name}": values[name] for name in names}


def metrics_to_json(metrics: dict) -> dict:
    """Replace NaN, which JSON has not, by None; round to what the figures can bear."""
    return {name: _to_json(value) for name, value in metrics.items()}


def metrics_to_text(metrics: dict, iou_threshold: float) -> str:
    """Make the table of results for people, with what it rests on and what it is not."""
    lines = [
        f"Test: {count_to_text(metrics)}",
        f"Average precision: area under the precision envelope, IoU {iou_threshold:g}",
        "",
        f"{'':<20}{'value':>8}   {'95 % interval':<18}by chance",
    ]
    chance = {
        "map_50": "map_50_random_labels",
        "matched_label_accuracy": "majority_label_accuracy",
    }
    for title, name in ROWS.items():
        floor = _value_to_text(metrics[chance[name]]) if name in chance else ""
        interval = _interval_to_text(metrics[f"{name}_ci95_low"], metrics[f"{name}_ci95_high"])
        value = _value_to_text(metrics[name])
        lines.append(f"{title:<20}{value:>8}   {interval:<18}{floor}".rstrip())
    if "ssd_only_map_50" in metrics:
        alone = [
            _value_to_text(metrics[f"ssd_only_{n}"]) for n in ("map_50", "matched_label_accuracy")
        ]
        lines.append(f"Without the face classifier: mAP {alone[0]}, label accuracy {alone[1]}")
    lines += ["", _other_rules_to_text(metrics), _sizes_to_text(metrics), ""]
    lines.append(f"Intervals: {metrics['intervals']}.")
    if metrics["sources"] < MIN_SOURCES:
        lines.append(
            f"A test on {count(metrics['sources'], 'source')} is no benchmark: other people in "
            "front of other cameras may give quite other figures."
        )
    shortcuts = shortcuts_to_text(metrics)
    return "\n".join([*lines, "", shortcuts] if shortcuts else lines)


def count_to_text(metrics: dict) -> str:
    """Say what the figures rest on, in half a line."""
    return (
        f"{count(metrics['videos'], 'video')} of {count(metrics['sources'], 'source')}, "
        f"{count(metrics['frames'], 'frame')}, {count(metrics['faces'], 'face')} "
        f"({metrics['faces_real']:,} real, {metrics['faces_fake']:,} fake)"
    )


def count(number: int, noun: str) -> str:
    """Say `1 video`, `2 videos`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _other_rules_to_text(metrics: dict) -> str:
    values = [metrics["map_50_voc07"], metrics["map_50_95"]]
    voc_11, coco = (_value_to_text(value) for value in values)
    return f"mAP by other rules: VOC 11 points {voc_11}, COCO 0.50:0.95 {coco}"


def _sizes_to_text(metrics: dict) -> str:
    sizes = [
        f"{size} {_value_to_text(metrics[f'map_50_{size}'])} "
        f"({count(metrics[f'faces_{size}'], 'face')})"
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
