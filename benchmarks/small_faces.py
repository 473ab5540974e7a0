# ruff: noqa: E402
"""How many small faces of large frames are found, what it costs, and what is taken for a face.

    python benchmarks/small_faces.py DATA_FOLDER [--clips 24] [--skip 47 --every 4]

Shrinks clips of an annotated folder's validation split until their faces are 24 to 160 px wide,
and puts each into a video of 1920 x 1080 px whose other pixels are the same clip's surroundings,
enlarged, without its face (plain grey where there are none); clips whose surroundings show a face
to the whole frame are left out.
Counts, of the frames that `predict` would analyze, those in which the face is found (IoU 0.5) with
the search in tiles and without it, found boxes that are no face, and the ratio of the CPU times
without decoding, both sides taking turns. Then the same of the surroundings alone.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import pandas as pd

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.iou import compute_iou_matrix
from deepfake_detector.config.schema import load_params
from deepfake_detector.data.annotations.reader import read_annotation_folder
from deepfake_detector.inference import analysis
from deepfake_detector.inference.detector import detect_faces
from deepfake_detector.inference.model_folders.model_files import load_model
from deepfake_detector.video.frame_reader import Frame
from deepfake_detector.video.reading import read_frames

SIZE_PX = (1920, 1080)
FACE_PX = ((24, 48), (48, 80), (80, 160))
FRAMES, STRIDE, FPS, BATCH, MAX_CROPS = 20, 3, 30, 7, 16
IOU = 0.5


class NoSearch:
    """Stands for the search where it is switched off."""

    def __init__(self, detector, min_face_score):
        pass

    def find(self, frames, shown):
        return [np.zeros((0, 6))] * len(frames)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="videos/, annotations/ and videos.csv")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--skip", type=int, default=0, help="so many of the folder's first clips")
    parser.add_argument("--every", type=int, default=1, help="of the others, every so-manieth")
    parser.add_argument("--model", default="released")
    asked = parser.parse_args()
    detector = load_model(asked.model).detector
    usable = load_params(PROJECT / "params.yaml").calibrate.usable
    generator = np.random.default_rng(20)
    clips = [
        (images, boxes)
        for images, boxes in itertools.islice(
            read_clips(asked.data), asked.skip, asked.skip + asked.clips * asked.every, asked.every
        )
        if not has_face(detector, usable, list_empty(images, boxes))
    ]
    print(f"{len(clips)} clips of {FRAMES} frames")
    rows = []
    for low, high in FACE_PX:
        videos = [place_clip(*clip, generator.uniform(low, high), generator) for clip in clips]
        rows += compare(detector, usable, videos, f"{low}-{high} px")
    for low, high in FACE_PX[:2]:
        pairs = zip(clips, [*clips[1:], clips[0]], strict=True)
        videos = [put_beside(*pair, generator.uniform(low, high)) for pair in pairs]
        rows += compare(detector, usable, videos, f"{low}-{high} px beside a large one")
    empty = [(list_empty(images, boxes), None) for images, boxes in clips]
    rows += compare(detector, usable, empty, "no face")
    sys.stdout.write(pd.DataFrame(rows).round(3).to_string(index=False) + "\n")


def read_clips(data: Path) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
    """Read `FRAMES` frames of each validation clip of one face, and its boxes [n, 4], by name."""
    listed = pd.read_csv(data / "videos.csv")
    names = set(listed.loc[listed["split"] == "validation", "video"])
    faces = read_annotation_folder(data / "annotations", {}).faces
    for name, own in faces[faces["name"].isin(names)].groupby("name"):
        own = own.drop_duplicates("frame", keep=False).set_index("frame")[BOX].astype(float)
        frames = [
            (image, own.loc[number].to_numpy())
            for number, image in read_frames(data / "videos" / name)
            if number % STRIDE == 0 and number in own.index
        ][:FRAMES]
        if len(frames) == FRAMES:
            images, boxes = zip(*frames, strict=True)
            yield list(images), np.stack(boxes)


def place_clip(images: list, boxes: np.ndarray, face_px: float, generator):
    """Shrink a clip into frames of its own surroundings; return them and the face in each."""
    scale = min(face_px / (boxes[0, 2:] - boxes[0, :2]).max(), 1.0)
    size = np.maximum(np.round(np.array(images[0].shape[1::-1]) * scale), 1).astype(int)
    if (size > SIZE_PX).any():
        return list_empty(images, boxes), boxes * np.nan
    left, top = (int(generator.integers(0, room + 1)) for room in np.array(SIZE_PX) - size)
    frames = list_empty(images, boxes)
    for frame, image in zip(frames, images, strict=True):
        small = cv2.resize(image, size.tolist(), interpolation=cv2.INTER_AREA)
        frame[top : top + size[1], left : left + size[0]] = small
    return frames, boxes * scale + np.array([left, top, left, top])


def cover(images: list, boxes: np.ndarray, size_px=SIZE_PX):
    """Enlarge a clip until it fills frames, and cut them from it around the face."""
    height, width = images[0].shape[:2]
    scale = max(size_px[0] / width, size_px[1] / height)
    room = np.round(np.array([width, height]) * scale).astype(int) - size_px
    middle = (boxes[0, :2] + boxes[0, 2:]) / 2 * scale
    left, top = np.clip(middle - np.array(size_px) / 2, 0, np.maximum(room, 0)).astype(int)
    frames = []
    for image in images:
        large = cv2.resize(image, tuple(room + size_px), interpolation=cv2.INTER_CUBIC)
        frames.append(large[top : top + size_px[1], left : left + size_px[0]].copy())
    return frames, boxes * scale - np.array([left, top, left, top])


def put_beside(clip, other, face_px: float):
    """Put the small face of another clip into a corner of a clip with a large one.

    Returns:
        Frames, and the boxes of the small face and of the large one, [n, 2, 4]; NaN for the small
        one where the large one leaves no room.
    """
    (frames, large), (images, boxes) = cover(*clip), other
    scale = min(face_px / (boxes[0, 2:] - boxes[0, :2]).max(), 1.0)
    around = np.array([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    margin = 0.5 * (around[1] - around[0])
    size = images[0].shape[1::-1]
    left, top, right, bottom = np.concatenate(
        [np.maximum(around[0] - margin, 0), np.minimum(around[1] + margin, size)]
    ).astype(int)
    cuts = [image[top:bottom, left:right] for image in images]
    size = np.round(np.array([right - left, bottom - top]) * scale).astype(int)
    corners = [(x, y) for y in (20, SIZE_PX[1] - size[1] - 20)
               for x in (20, SIZE_PX[0] - size[0] - 20)]  # fmt: skip
    places = [np.array([*corner, *(corner + size)]) for corner in corners]
    free = [p for p in places if not compute_iou_matrix(p[None].astype(float), large).any()]
    if not free:
        return frames, np.stack([boxes * np.nan, large], axis=1)
    x, y = free[0][:2]
    for frame, cut in zip(frames, cuts, strict=True):
        frame[y : y + size[1], x : x + size[0]] = cv2.resize(
            cut, size.tolist(), interpolation=cv2.INTER_AREA
        )
    small = (boxes - np.array([left, top, left, top])) * scale + np.array([x, y, x, y])
    return frames, np.stack([small, large], axis=1)


def has_face(detector, usable, images: list[np.ndarray]) -> bool:
    """Tell whether the whole frame shows what is taken for a face, in any of the frames."""
    tables = detect_faces(replace(detector, face_classifier=None), images)
    scores = pd.concat(tables)[["real", "fake"]].sum(axis=1)
    return bool((scores >= usable.min_face_score).any())


def list_empty(images: list, boxes: np.ndarray) -> list[np.ndarray]:
    """Enlarge the largest part of each frame beside the face, above it or below it."""
    height, width = images[0].shape[:2]
    left, top = np.floor(boxes[:, :2].min(axis=0)).astype(int)
    right, bottom = np.ceil(boxes[:, 2:].max(axis=0)).astype(int)
    margin = int(0.3 * (bottom - top))
    parts = [
        (slice(0, height), slice(0, max(left - margin, 0))),
        (slice(0, height), slice(min(right + margin, width), width)),
        (slice(0, max(top - margin, 0)), slice(0, width)),
        (slice(min(bottom + margin, height), height), slice(0, width)),
    ]
    best = max(parts, key=lambda part: images[0][part].size)
    if min(images[0][best].shape[:2]) < 8:
        return [np.full((*SIZE_PX[::-1], 3), 90, np.uint8) for _ in images]
    return [cv2.resize(image[best], SIZE_PX, interpolation=cv2.INTER_CUBIC) for image in images]


def compare(detector, usable, videos: list, name: str) -> list[dict]:
    """Analyze all videos with the search and without it."""
    search = analysis.SmallFaceSearch
    found = {"whole frame": [], "tiles": []}
    seconds = {"whole frame": 0.0, "tiles": 0.0}
    for frames, _ in videos:
        for side in found:
            analysis.SmallFaceSearch = search if side == "tiles" else NoSearch
            started = process_time()
            found[side].append(analyze(detector, usable, frames))
            seconds[side] += process_time() - started
    analysis.SmallFaceSearch = search
    return [
        {"faces": name, "search": side, **count(found[side], videos, usable)}
        | {"cpu_ratio": seconds[side] / seconds["whole frame"]}
        for side in found
    ]


def analyze(detector, usable, frames: list[np.ndarray]) -> pd.DataFrame:
    analyzer = analysis.FrameAnalyzer(detector, usable, max(1.0, len(frames) / MAX_CROPS))
    for start in range(0, len(frames), BATCH):
        some = enumerate(frames[start : start + BATCH], start)
        analyzer.analyze([Frame(n * STRIDE, n * STRIDE / FPS, image) for n, image in some])
    return analyzer.collect()[0]


def count(found: list[pd.DataFrame], videos: list, usable) -> dict:
    """Count frames whose (small) face was found, and sure boxes a frame that are no face."""
    hits, faces, false, frames = 0, 0, 0, 0
    for table, (images, boxes) in zip(found, videos, strict=True):
        sure = table[table[["real", "fake"]].sum(axis=1) >= usable.min_face_score]
        frames += len(images)
        for place in range(len(images)):
            own = sure.loc[sure["frame"] == place * STRIDE, BOX].to_numpy()
            truth = np.zeros((0, 4)) if boxes is None else boxes[place].reshape(-1, 4)
            right = compute_iou_matrix(truth, own) >= IOU
            faces += int(len(truth) and not np.isnan(truth[0]).any())
            hits += int(right[:1].any())
            false += int((~right.any(axis=0)).sum())
    return {"recall": hits / faces if faces else np.nan, "false_per_frame": false / frames}


if __name__ == "__main__":
    main()
