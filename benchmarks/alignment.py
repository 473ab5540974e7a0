"""Spoil annotations in known ways, and see whether `check_alignment` names exactly those videos.

    python benchmarks/alignment.py DATA [--seed 0] [--workers 2] [--cache FOLDER]

DATA is laid out as data/ is. Of ten videos whose face moves and whose annotations fit to the frame
(by the check of them as they are) the annotations are moved by 3 frames, either way, and of five
others cut short, to 50 to 75 % of their frames. Prints what is named in both rounds; exits with 1
where it is not what was spoiled, or not by the right number of frames.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from deepfake_detector.data.annotation_timing.alignment_report import check_videos
from deepfake_detector.data.annotation_timing.video_alignment import ALIGNED, SHIFTED, UNDECIDABLE
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.data.validation.annotation_table import find_named_videos
from deepfake_detector.data.validation.probing import list_videos, probe_videos

SHIFT, SHIFTED_VIDEOS, CUT_VIDEOS = 3, 10, 5
MIN_FACE_PX = 24


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path("artifacts/check_alignment/faces"))
    arguments = parser.parse_args()
    videos, faces = read_data(arguments.data, arguments.workers)

    def check(annotations):
        started = time.monotonic()
        found = check_videos(
            arguments.data / "videos", videos, annotations, MIN_FACE_PX, arguments.cache,
            arguments.workers,
        )  # fmt: skip
        print(f"{len(found)} videos checked in {time.monotonic() - started:.0f} s")
        return {one.video: one for one in found}

    before = check(faces)
    print_named("as they are", before)
    shifts, cut = draw(before, np.random.default_rng(arguments.seed))
    after = check(spoil(faces, videos, shifts, cut))
    print_named("spoiled", after)
    is_right = compare(before, after, shifts, cut)
    sys.exit(0 if is_right else 1)


def read_data(folder: Path, workers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read `video, frames, sha256` of all videos, and their annotated faces."""
    paths = list_videos(folder / "videos")
    probes, _ = probe_videos(paths, {}, workers)
    videos = pd.DataFrame(
        [[probe.video, probe.metadata.frames, probe.sha256] for probe in probes if probe.metadata],
        columns=["video", "frames", "sha256"],
    )
    faces = read_annotation_folder(folder / "annotations", {}).faces
    named = find_named_videos(faces["name"].unique(), videos["video"].tolist())
    return videos, faces.assign(video=faces["name"].map(named.found)).dropna(subset="video")


def draw(before: dict, generator: np.random.Generator) -> tuple[dict[str, int], list[str]]:
    """Draw the videos to spoil: frames that each is moved by, and those that are cut short."""
    aligned = [video for video, one in before.items() if one.status == ALIGNED]
    moving = sorted(video for video in aligned if before[video].shift == 0)
    print(f"  a frame off, and not drawn: {len(aligned) - len(moving)}")
    shifted = generator.choice(moving, SHIFTED_VIDEOS, replace=False).tolist()
    rest = sorted(set(before) - set(shifted))
    signs = generator.choice([-1, 1], SHIFTED_VIDEOS)
    cut = generator.choice(rest, CUT_VIDEOS, replace=False).tolist()
    return dict(zip(shifted, (SHIFT * signs).tolist(), strict=True)), cut


def spoil(
    faces: pd.DataFrame, videos: pd.DataFrame, shifts: dict[str, int], cut: list[str]
) -> pd.DataFrame:
    """Move and cut annotations; those that then lie outside their video are rejected."""
    frames = faces["video"].map(videos.set_index("video")["frames"])
    moved = faces.assign(frame=faces["frame"] + faces["video"].map(shifts).fillna(0).astype(int))
    generator = np.random.default_rng(1)
    parts = dict(zip(cut, generator.uniform(0.5, 0.75, len(cut)), strict=True))
    kept = moved["frame"] < frames * faces["video"].map(parts).fillna(1)
    return moved[kept & (moved["frame"] >= 0)]


def print_named(title: str, found: dict) -> None:
    counts = pd.Series([one.status for one in found.values()]).value_counts().to_dict()
    print(f"{title}: {counts}")
    for one in found.values():
        if one.status == SHIFTED or one.uncovered or one.problem:
            stretches = ", ".join(f"{s.first}-{s.last}" for s in one.uncovered)
            print(f"  {one.video}: {one.status} {one.shift:+d}, sure {one.sureness:.1f}, "
                  f"not annotated: {stretches or 'nothing'} {one.problem}")  # fmt: skip
    sure = [one.sureness for one in found.values() if one.status == ALIGNED]
    print(f"  least sure of those aligned: {min(sure, default=float('nan')):.1f}")


def compare(before: dict, after: dict, shifts: dict[str, int], cut: list[str]) -> bool:
    """Tell whether exactly the spoiled videos are named, and mended by the right shift."""
    found = {video: one.shift for video, one in after.items() if one.status == SHIFTED}
    expected = {video: -shift for video, shift in shifts.items()}
    named = {video for video, one in after.items() if one.uncovered}
    lost = sum(
        one.status == UNDECIDABLE and before[video].status == ALIGNED
        for video, one in after.items()
    )
    right = sum(found.get(video) == shift for video, shift in expected.items())
    print(f"shifts found {right} of {len(expected)}, others: {len(set(found) - set(expected))}; "
          f"cut short found {len(named & set(cut))} of {len(cut)}, others: "
          f"{len(named - set(cut))}; no longer decidable: {lost}")  # fmt: skip
    return found == expected and named == set(cut)


if __name__ == "__main__":
    main()
