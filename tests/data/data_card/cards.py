"""Tables and cards of data for tests: two splits, a fake with two faces."""

import pandas as pd

from deepfake_detector.common.tables import ANNOTATION_COLUMNS

SPLITS = {split: {"videos": 1, "frames": 2} for split in ("train", "validation", "test")}


def make_videos(**changes) -> pd.DataFrame:
    """A real video, its fake, and one without a face."""
    columns = {
        "video": ["a.mp4", "b.mp4", "c.mp4"],
        "split": ["train", "train", "test"],
        "method": ["", "DeepFaceLive", ""],
        "dataset": ["", "mine", "mine"],
        "licence": ["MIT", "MIT", ""],
        "width_px": [640, 640, 360],
        "height_px": [480, 480, 640],
        "fps": [25.0, 25.0, 30000 / 1001],
        "codec": ["h264", "h264", "hevc"],
        "real": [1, 0, 0],
        "fake": [0, 2, 0],
    }
    return pd.DataFrame(columns | changes)


def make_faces(sizes_px=(40, 80, 80)) -> pd.DataFrame:
    """A real face, and two fake ones of the fake; of these longer sides."""
    labels = ("real", "fake", "fake")
    videos = ("a.mp4", "b.mp4", "b.mp4")
    rows = [
        (video, 0, 10.0, 20.0, 10.0 + size / 2, 20.0 + size, label, str(number))
        for number, (video, size, label) in enumerate(zip(videos, sizes_px, labels, strict=True))
    ]
    return pd.DataFrame(rows, columns=ANNOTATION_COLUMNS)


def make_distributions(**changes) -> dict:
    counts = {
        "label": {"real": 4, "fake": 4},
        "face_size_px": {"64": 8},
        "resolution_px": {"640x480": 2},
        "fps": {"25": 2},
        "codec": {"h264": 2},
    }
    return {"version": "1", "splits": SPLITS, "distributions": counts | changes}
