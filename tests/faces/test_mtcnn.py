import numpy as np
import pytest

from deepfake_detector.faces.mtcnn import (
    MTCNNFaceDetector,
    choose_main_track,
    detect_in_frames,
    track_faces,
)
from deepfake_detector.faces.offline_tracker import FrameDetections, Track, make_empty_detections
from deepfake_detector.video.reading import read_frames

BOX = np.array([[10.0, 10, 30, 34]])


class BrightFinder:
    """Sees a face in every bright picture, and remembers where it looked."""

    def __init__(self):
        self.frames = []

    def detections(self, image, frame=0):
        self.frames.append(frame)
        if image.mean() < 128:
            return make_empty_detections(frame)
        return FrameDetections(frame, BOX, np.zeros((1, 5, 2)), np.ones(1))


def make_frames(brights):
    return [np.full((48, 64, 3), 250 if bright else 5, np.uint8) for bright in brights]


def analyze_frames(brights, frame_stride):
    detector = BrightFinder()
    frame_detections = list(
        detect_in_frames(enumerate(make_frames(brights)), detector, frame_stride)
    )
    assert [detections.frame for detections in frame_detections] == sorted(
        detections.frame for detections in frame_detections
    )
    return [detections.frame for detections in frame_detections]


def test_every_nth_frame_and_the_last_are_looked_at():
    assert analyze_frames([True] * 13, 5) == [0, 5, 10, 12]
    assert analyze_frames([True] * 11, 5) == [0, 5, 10]


def test_frames_between_looks_that_disagree_are_looked_at_too():
    assert analyze_frames([False] * 7 + [True] * 9, 5) == [0, 5, 6, 7, 8, 9, 10, 15]


def test_video_of_one_frame_is_looked_at_once():
    assert analyze_frames([True], 5) == [0]
    assert analyze_frames([], 5) == []


def test_face_that_comes_between_two_looks_begins_where_it_comes():
    frames = enumerate(make_frames([False] * 7 + [True] * 6))
    count, (track,) = track_faces(frames, BrightFinder(), 5, 0.9, 5)
    assert count == 13
    assert list(track.frames) == list(range(7, 13))


def test_video_without_a_face_has_frames_and_no_track():
    frames = enumerate(make_frames([False] * 6))
    assert track_faces(frames, BrightFinder(), 5, 0.9, 5) == (6, [])
    assert track_faces([], BrightFinder(), 5, 0.9, 5) == (0, [])


def test_main_face_fills_most_of_the_video():
    small_and_long = Track(0, np.tile([0.0, 0, 10, 10], (30, 1)), np.zeros((30, 5, 2)), 1.0)
    large_and_short = Track(0, np.tile([0.0, 0, 40, 40], (3, 1)), np.zeros((3, 5, 2)), 1.0)
    assert choose_main_track([small_and_long, large_and_short]) is large_and_short
    assert choose_main_track([small_and_long]) is small_and_long


@pytest.fixture(scope="module")
def detector():
    return MTCNNFaceDetector(24)


@pytest.fixture(scope="module")
def portrait(sample):
    return next(read_frames(sample / "videos/pyfeat.mp4"))[1]


def test_mtcnn_finds_the_face_and_its_landmarks(detector, portrait):
    detections = detector.detections(portrait, 3)
    assert detections.frame == 3
    assert len(detections.boxes_px) == 1
    left, top, right, bottom = detections.boxes_px[0]
    left_eye, right_eye, nose, left_mouth, right_mouth = detections.landmarks_px[0]
    assert left < left_eye[0] < nose[0] < right_eye[0] < right
    assert top < left_eye[1] < nose[1] < left_mouth[1] < bottom
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert detections.confidences[0] > 0.95


def test_mtcnn_keeps_boxes_inside_the_picture(detector, portrait):
    detections = detector.detections(
        np.ascontiguousarray(portrait[90:, :])
    )  # the forehead is cut off
    height, width = portrait[90:].shape[:2]
    assert len(detections.boxes_px) == 1
    assert (detections.boxes_px >= 0).all()
    assert (detections.boxes_px <= [width, height, width, height]).all()


def test_mtcnn_finds_nothing_in_an_empty_or_a_tiny_picture(detector):
    for image in (np.zeros((120, 160, 3), np.uint8), np.full((16, 16, 3), 200, np.uint8)):
        assert len(detector.detections(image).boxes_px) == 0
