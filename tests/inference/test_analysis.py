"""Frames analyzed: small faces beside those that the whole frame shows."""

import numpy as np
import pytest

from deepfake_detector.config.schema import UsableParams
from deepfake_detector.inference import analysis
from deepfake_detector.inference.detector import Detector
from deepfake_detector.video.frame_reader import Frame

LARGE, HARDLY, SMALL = (
    [20.0, 20, 120, 120, 0.2, 0.7],
    [150.0, 150, 190, 190, 0.1, 0.1],
    [250.0, 20, 280, 50, 0.6, 0.3],
)
USABLE = UsableParams(min_face_px=10, min_face_score=0.5, min_sharpness=0, min_frames=1)


@pytest.mark.parametrize(
    ("whole", "small", "expected"),
    [
        ([LARGE, HARDLY], [SMALL], [LARGE, SMALL]),
        ([LARGE, HARDLY], [], [LARGE, HARDLY]),
        ([HARDLY], [SMALL], [SMALL]),
        ([HARDLY], [], [HARDLY]),
    ],
)
def test_small_faces_are_added_and_replace_what_is_hardly_a_face(
    whole, small, expected, monkeypatch
):
    class Search:
        def __init__(self, detector, min_face_score):
            pass

        def find(self, frames, shown):
            assert [rows.tolist() for rows in shown] == [
                [row[:4] for row in whole if row is LARGE]
            ] * len(frames)
            return [np.reshape(small, (-1, 6))] * len(frames)

    monkeypatch.setattr(analysis, "SmallFaceSearch", Search)
    monkeypatch.setattr(
        analysis, "detect_in_frames", lambda detector, frames, score: [np.array(whole)] * 2
    )
    analyzer = analysis.FrameAnalyzer(Detector(ssd=None), USABLE)
    image = np.zeros((200, 300, 3), np.uint8)
    analyzer.analyze([Frame(number, number / 30, image) for number in range(2)])
    faces, tracks = analyzer.collect()
    assert faces["left"].tolist() == [row[0] for row in expected] * 2
    assert len(tracks) == len([row for row in expected if row is not HARDLY])
