"""A small held-out set: two videos of one source, one of another, one of a third."""

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.evaluation.evaluation_frames import make_evaluation_frames

BOX = ["left", "top", "right", "bottom"]
FACE = (100, 100, 200, 200)  # 10 % of a frame of 500×200 px: medium
NOTHING = (np.nan,) * 4


@pytest.fixture
def evaluated():
    """Every annotated face is found; `c` frame 0 is called fake, and `d` has an alarm of 0.8."""
    truth = pd.DataFrame(
        [
            ("a", 0, *FACE, "real"),
            ("b", 0, *FACE, "fake"),
            ("c", 0, *FACE, "real"),
            ("c", 5, *FACE, "fake"),
            ("d", 0, *NOTHING, ""),
        ],
        columns=["video", "frame", *BOX, "label"],
    )
    faces = pd.DataFrame(
        [
            ("a", 0, *FACE, 0.9, 0.05),
            ("b", 0, *FACE, 0.2, 0.7),
            ("c", 0, *FACE, 0.1, 0.6),
            ("c", 5, *FACE, 0.0, 0.95),
            ("d", 0, 0, 0, 20, 20, 0.0, 0.8),
        ],
        columns=["video", "frame", *BOX, "real", "fake"],
    )
    videos = pd.DataFrame({"video": list("abcd"), "source": ["ab", "ab", "c", "d"]})
    frames = truth[["video", "frame"]].assign(width_px=500, height_px=200)
    return make_evaluation_frames(faces, truth, videos, frames)
