"""Find faces and their five landmarks with MTCNN, and follow them through a video.

Zhang et al. 2016, "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks", as packaged in `mtcnn` 1.0.0, which brings its weights. It runs on TensorFlow and is
imported when the first finder is made.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from deepfake_detector.faces.box_linking import link_boxes
from deepfake_detector.faces.offline_tracker import (
    FrameDetections,
    Track,
    make_empty_detections,
    make_tracks,
    smooth_track,
)

MIN_CONFIDENCE = 0.8  # of a single look, before whole tracks are judged


class MTCNNFaceDetector:
    """Find the faces of one picture."""

    def __init__(self, min_face_px: int) -> None:
        # MTCNN warns at every picture without a face, unless told before TensorFlow is imported
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from mtcnn import MTCNN  # it imports TensorFlow, ten seconds

        self._network = MTCNN()
        self._smallest_face_px = min_face_px

    def detections(self, image: np.ndarray, frame: int = 0) -> FrameDetections:
        """Find all faces of an RGB image [H, W, 3] uint8, boxes inside the image."""
        if min(image.shape[:2]) < self._smallest_face_px:
            return make_empty_detections(frame)
        found: Any = self._network.detect_faces(
            image,
            min_face_size=self._smallest_face_px,
            threshold_onet=MIN_CONFIDENCE,
            box_format="xyxy",
            output_type="numpy",
        )
        if not found.size:
            return make_empty_detections(frame)
        # columns: picture, left, top, right, bottom, confidence, 5 x, 5 y
        boxes, confidences = np.asarray(found[:, 1:5], float), np.asarray(found[:, 5], float)
        landmarks = np.stack([found[:, 6:11], found[:, 11:16]], axis=2).astype(float)  # [N, 5, 2]
        height, width = image.shape[:2]
        boxes = np.clip(boxes, 0, [width, height, width, height])
        sides = boxes[:, 2:] - boxes[:, :2]
        kept = sides.min(axis=1) >= self._smallest_face_px / 2  # cut off by the picture's edge
        return FrameDetections(frame, boxes[kept], landmarks[kept], confidences[kept])


def track_faces(
    frames: Iterable[tuple[int, np.ndarray]],
    detector: MTCNNFaceDetector,
    frame_stride: int,
    confidence: float,
    smoothing_frames: int,
) -> tuple[int, list[Track]]:
    """Follow every face of a video, and count its frames.

    Args:
        frames: all frames of the video, numbered from 0.
        detector: looks at frames.
        frame_stride: look at every n-th frame and at the last one; where two looks disagree about
            the faces, the frames between them are analyzed as well.
        confidence: least mean confidence of a face that is kept.
        smoothing_frames: window over which boxes and landmarks are averaged.
    """
    frame_detections = list(detect_in_frames(frames, detector, frame_stride))
    tracks = make_tracks(frame_detections, confidence)
    return frame_detections[-1].frame + 1 if frame_detections else 0, [
        smooth_track(track, smoothing_frames) for track in tracks
    ]


def detect_in_frames(
    frames: Iterable[tuple[int, np.ndarray]], detector: MTCNNFaceDetector, frame_stride: int
) -> Iterator[FrameDetections]:
    """Look at every n-th frame, at the last, and at all between looks that disagree."""
    previous: FrameDetections | None = None
    waiting: list[tuple[int, np.ndarray]] = []
    for number, image in frames:
        if number % frame_stride:
            waiting.append((number, image))
            continue
        detections = detector.detections(image, number)
        yield from _detect_between(previous, detections, waiting, detector)
        yield detections
        previous, waiting = detections, []
    if waiting:
        number, image = waiting.pop()
        detections = detector.detections(image, number)
        yield from _detect_between(previous, detections, waiting, detector)
        yield detections


def _detect_between(
    previous: FrameDetections | None,
    detections: FrameDetections,
    waiting: list[tuple[int, np.ndarray]],
    detector: MTCNNFaceDetector,
) -> Iterator[FrameDetections]:
    """Look at the waiting frames if a face came or went since the previous look."""
    if previous is None:
        return
    links = link_boxes(list(previous.boxes_px), detections.boxes_px)
    if not len(links) == len(previous.boxes_px) == len(detections.boxes_px):
        yield from (detector.detections(image, number) for number, image in waiting)


def choose_main_track(tracks: list[Track]) -> Track:
    """Choose the face that fills most of the video: the largest sum of box areas."""
    return max(tracks, key=lambda track: _sum_areas(track.boxes_px))


def _sum_areas(boxes_px: np.ndarray) -> float:
    return float(np.prod(boxes_px[:, 2:] - boxes_px[:, :2], axis=1).sum())
