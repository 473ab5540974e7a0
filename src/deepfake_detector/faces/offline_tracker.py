"""Faces followed through a video: linking, interpolation, smoothing, dropping false alarms.

A *look* is what a face finder saw in one frame; a *track* is one face from its first to its last
frame. Shapes: `N` faces in a frame, `T` frames of a track, 5 landmarks (left eye, right eye,
nose, left and right corner of the mouth, as they stand in the picture).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from deepfake_detector.faces.box_linking import link_boxes

MAX_GAP_FRAMES = 15  # a hand or a blur hides a face this long without ending its track
MIN_DETECTIONS = 3  # false alarms rarely repeat themselves


@dataclass(frozen=True)
class FrameDetections:
    """What was seen in one frame: boxes_px [N, 4], landmarks_px [N, 5, 2], confidences [N]."""

    frame: int
    boxes_px: np.ndarray
    landmarks_px: np.ndarray
    confidences: np.ndarray


def make_empty_detections(frame: int) -> FrameDetections:
    """Make the look at a frame without a face."""
    return FrameDetections(frame, np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))


@dataclass(frozen=True)
class Track:
    """One face in `T` consecutive frames: boxes_px [T, 4], landmarks_px [T, 5, 2]."""

    first_frame: int
    boxes_px: np.ndarray
    landmarks_px: np.ndarray
    confidence: float

    def __len__(self) -> int:
        return len(self.boxes_px)

    @property
    def frames(self) -> range:
        """Give the numbers of the track's frames."""
        return range(self.first_frame, self.first_frame + len(self))


@dataclass
class _OpenTrack:
    """A track while it grows: (frame, box, landmarks, confidence) of every look that saw it."""

    seen: list[tuple[int, np.ndarray, np.ndarray, float]]

    def is_lost(self, frame: int) -> bool:
        """Tell after the look at `frame` whether the face was last seen too long ago."""
        return frame - self.seen[-1][0] > MAX_GAP_FRAMES


def make_tracks(frame_detections: Iterable[FrameDetections], confidence: float) -> list[Track]:
    """Join looks to tracks and drop what is likely no face.

    Args:
        frame_detections: in the order of their frames, gaps allowed.
        confidence: least mean confidence of a track that is kept.

    Returns:
        Tracks in the order of their first frame, without gaps: the frames between two looks are
        interpolated. A track needs three looks, or all of them where there are fewer.
    """
    open_tracks: list[_OpenTrack] = []
    closed: list[_OpenTrack] = []
    frame_count = 0
    for detections in frame_detections:
        frame_count += 1
        _extend_tracks(open_tracks, detections)
        closed += [track for track in open_tracks if track.is_lost(detections.frame)]
        open_tracks = [track for track in open_tracks if not track.is_lost(detections.frame)]
    fewest = min(MIN_DETECTIONS, frame_count)
    kept = [track for track in closed + open_tracks if len(track.seen) >= fewest]
    tracks = [_interpolate(track) for track in kept]
    return sorted(
        (track for track in tracks if track.confidence >= confidence),
        key=lambda track: (track.first_frame, track.boxes_px[0].tolist()),
    )


def _extend_tracks(open_tracks: list[_OpenTrack], detections: FrameDetections) -> None:
    faces = list(
        zip(
            detections.boxes_px,
            detections.landmarks_px,
            detections.confidences.tolist(),
            strict=True,
        )
    )
    links = link_boxes([track.seen[-1][1] for track in open_tracks], detections.boxes_px)
    for index, face in links.items():
        open_tracks[index].seen.append((detections.frame, *faces[face]))
    linked = set(links.values())
    fresh = [face for index, face in enumerate(faces) if index not in linked]
    open_tracks += [_OpenTrack([(detections.frame, *face)]) for face in fresh]


def _interpolate(track: _OpenTrack) -> Track:
    seen_frames = [frame for frame, *_ in track.seen]
    rows = np.stack([np.append(box, landmarks.ravel()) for _, box, landmarks, _ in track.seen])
    frames = np.arange(seen_frames[0], seen_frames[-1] + 1)  # [T]
    columns = [np.interp(frames, seen_frames, column) for column in rows.T]
    values = np.stack(columns, axis=1)  # [T, 14]
    confidence = float(np.mean([confidence for *_, confidence in track.seen]))
    return Track(seen_frames[0], values[:, :4], values[:, 4:].reshape(-1, 5, 2), confidence)


def smooth_track(track: Track, frames: int) -> Track:
    """Average boxes and landmarks over a centred window of about `frames` frames.

    The window shrinks towards both ends, so that the first and last frame stay where they are.
    """
    return Track(
        track.first_frame,
        _smooth(track.boxes_px, frames // 2),
        _smooth(track.landmarks_px, frames // 2),
        track.confidence,
    )


def _smooth(values: np.ndarray, radius: int) -> np.ndarray:
    last = len(values) - 1
    radii = [min(radius, index, last - index) for index in range(len(values))]
    windows = [values[i - r : i + r + 1] for i, r in enumerate(radii)]
    return np.stack([window.mean(axis=0) for window in windows])
