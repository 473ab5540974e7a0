"""How far the data have moved from the last version, as numbers that `dvc metrics diff` compares.

Sizes and frame rates are compared by the Wasserstein distance of their base-2 logarithms: 1 means
that they are twice as large, or half as large, on average. Labels and codecs are compared by the
Jensen-Shannon distance: 0 the same, 1 nothing in common.
"""

from typing import Any

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from deepfake_detector.common.labels import FAKE, label_to_name

_DIGITS = 4

Counts = dict[str, int]


def measure_contents(card: dict[str, Any]) -> dict[str, Any]:
    """Measure a version in a few numbers; None where there is nothing to measure.

    Returns:
        Counts, the fraction of faces that are fake, medians of the longer side of a face, of the
        shorter side of a frame and of the frame rate, and the fraction of videos of each codec.
    """
    found = card["distributions"]
    fakes = found["label"].get(label_to_name(FAKE), 0)
    faces, videos = sum(found["label"].values()), sum(found["codec"].values())
    return {
        "videos": videos,
        "frames": sum(split["frames"] for split in card["splits"].values()),
        "faces": faces,
        "fake_face_fraction": _round(fakes / faces) if faces else None,
        "median_face_size_px": _find_median(found["face_size_px"]),
        "median_shorter_side_px": _find_median(_count_shorter_sides(found["resolution_px"])),
        "median_fps": _find_median(found["fps"]),
        "codec_fraction": {name: _round(n / videos) for name, n in found["codec"].items()},
    }


def compare_versions(
    card: dict[str, Any], last: tuple[str, dict[str, Any]] | None
) -> dict[str, Any]:
    """Compare a version with the last one.

    Args:
        last: commit and card, of `find_last_card`.

    Returns:
        `last_version`, its `version` and `commit`, and `drift`, of `measure_drift`; both None
        where there is no last version.
    """
    if last is None:
        return {"last_version": None, "drift": None}
    commit, last_card = last
    return {
        "last_version": {"version": last_card["version"], "commit": commit},
        "drift": measure_drift(card, last_card),
    }


def measure_drift(card: dict[str, Any], last: dict[str, Any]) -> dict[str, float | None]:
    """Measure the distance of a version from another; None where one of them has no face."""
    new, old = card["distributions"], last["distributions"]
    return {
        "label_balance": _compare_kinds(new["label"], old["label"]),
        "face_size": _compare_sizes(new["face_size_px"], old["face_size_px"]),
        "resolution": _compare_sizes(
            _count_shorter_sides(new["resolution_px"]), _count_shorter_sides(old["resolution_px"])
        ),
        "frame_rate": _compare_sizes(new["fps"], old["fps"]),
        "codec": _compare_kinds(new["codec"], old["codec"]),
    }


def _count_shorter_sides(resolutions: Counts) -> Counts:
    counts: Counts = {}
    for resolution, n in resolutions.items():
        side = min(resolution.split("x"), key=int)
        counts[side] = counts.get(side, 0) + n
    return counts


def _find_median(counts: Counts) -> float | None:
    if not counts:
        return None
    values = np.repeat([float(value) for value in counts], list(counts.values()))
    return _round(float(np.median(values)))


def _compare_sizes(new: Counts, old: Counts) -> float | None:
    if not (new and old):
        return None
    (new_sizes, old_sizes) = ([np.log2(float(size)) for size in counts] for counts in (new, old))
    distance = wasserstein_distance(new_sizes, old_sizes, list(new.values()), list(old.values()))
    return _round(float(distance))


def _compare_kinds(new: Counts, old: Counts) -> float | None:
    if not (new and old):
        return None
    kinds = sorted({*new, *old})
    counts = ([side.get(kind, 0) for kind in kinds] for side in (new, old))
    distance = float(jensenshannon(*counts, base=2))
    return _round(0.0 if np.isnan(distance) else distance)  # a root just under 0 of equal counts


def _round(value: float) -> float:
    return round(value, _DIGITS)
