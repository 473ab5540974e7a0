"""Videos of a split as seen by the detector: faces followed through their shards, with the truth.

Shapes: `n` frames of a track, `N` annotated faces of a video.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.iou import compute_iou_matrix
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.data.frame_records import make_shard_path, parse_record
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.labelled_videos import LabelledVideo
from deepfake_detector.verdicts.track_collector import TrackCollector
from deepfake_detector.video.images import decode_image

MIN_KNOWN = 0.5  # of a track's frames must lie on annotated faces, or it is none


def track_labelled_videos(
    shards: Path,
    videos: pd.DataFrame,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    min_face_score: float,
    iou_threshold: float,
) -> list[LabelledVideo]:
    """Follow the found faces of each video through the frames of its shard.

    Args:
        videos: `video, source`; each has a shard.
        tables: found and annotated faces of all these videos, as `predict_shards` and
            `read_truth` give them.
        min_face_score: faces below this score of real and fake together are not followed.
        iou_threshold: of a track's box with the annotated face that it is.
    """
    found, truth = (dict(iter(table.groupby("video"))) for table in tables)
    seen = []
    for name, source in zip(videos["video"], videos["source"], strict=True):
        faces = found.get(name, tables[0].iloc[:0])
        tracks = track_faces_in_shard(make_shard_path(shards, name), faces, min_face_score)
        annotated = truth[name][truth[name]["label"] != ""]
        labels = [name_track(track, annotated, iou_threshold) for track in tracks]
        seen.append(LabelledVideo(name, source, name_video(annotated["label"]), tracks, labels))
    return seen


def track_faces_in_shard(
    shard: Path, faces: pd.DataFrame, min_face_score: float
) -> list[FaceTrack]:
    """Follow the found faces of a video through the frames of its shard."""
    collector = TrackCollector(min_face_score)
    by_frame = dict(iter(faces.groupby("frame")))
    for frame, picture, scale in _read_pictures(shard):
        found = by_frame.get(frame, faces.iloc[:0])
        collector.add(frame, picture, found[[*BOX, *FACE_LABELS]].to_numpy(float), scale)
    return collector.collect()


def name_video(labels: pd.Series) -> str:
    """Give the truth of a video from the labels of its annotated faces: one fake is enough."""
    if (labels == "fake").any():
        return "fake"
    return "real" if len(labels) else ""


def name_track(track: FaceTrack, truth: pd.DataFrame, iou_threshold: float) -> str:
    """Give the label that a track's annotated faces have most often; empty if it is no face.

    Args:
        truth: the annotated faces of its video, `frame, left, top, right, bottom, label` [N].
    """
    labels = Counter()
    for frame, box_px in zip(track.frames, track.boxes_px, strict=True):
        here = truth[truth["frame"] == frame]
        ious = compute_iou_matrix(box_px[None], here[BOX].to_numpy(float))[0]
        if ious.max(initial=0) >= iou_threshold:
            labels[here["label"].iloc[int(ious.argmax())]] += 1
    if labels.total() < MIN_KNOWN * len(track.frames):
        return ""
    return max(sorted(labels), key=labels.get)


def _read_pictures(shard: Path) -> Iterator[tuple[int, np.ndarray, float]]:
    """Read a shard's frames in order: number, uint8 RGB [height, width, 3], and its scale."""
    import tensorflow as tf

    for record in tf.data.TFRecordDataset(str(shard)).map(parse_record).as_numpy_iterator():
        image = decode_image(record["image"])
        yield int(record["frame"]), image, image.shape[1] / int(record["width_px"])
