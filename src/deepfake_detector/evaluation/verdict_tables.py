"""Verdicts on videos and on their faces as tables, beside what simpler methods say.

The simpler ones look at each frame alone. A frame's score is the highest fake share of its faces;
`majority` is the share of frames with a score above one half, with one frame of each kind added
(Laplace), so that it is a probability; `plain_mean` is the mean score.
"""

import numpy as np
import pandas as pd

from deepfake_detector.verdicts.calibration import Calibration
from deepfake_detector.verdicts.decision import Decision, decide_track, decide_video
from deepfake_detector.verdicts.face_track import FaceTrack, find_usable
from deepfake_detector.verdicts.labelled_videos import LabelledVideo

VIDEO_COLUMNS = [
    *["video", "source", "label", "verdict", "probability", "threshold", "reason"],
    *["faces", "frames", "majority", "plain_mean"],
]
FACE_COLUMNS = [
    *["video", "source", "face", "label", "verdict", "probability", "threshold", "reason"],
    *["first_frame", "last_frame", "frames", "usable_frames"],
]


def make_video_verdicts(videos: list[LabelledVideo], calibration: Calibration) -> pd.DataFrame:
    """Make `VIDEO_COLUMNS`, one row a video; `frames` are those with a face."""
    rows = []
    for video in videos:
        scores = score_frames(video.tracks)
        rows.append(
            {
                "video": video.video,
                "source": video.source,
                "label": video.label,
                **_to_columns(decide_video(video.tracks, calibration)),
                "faces": len(video.tracks),
                "frames": len(scores),
                "majority": (np.count_nonzero(scores > 0.5) + 1) / (len(scores) + 2),
                "plain_mean": scores.mean() if len(scores) else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=VIDEO_COLUMNS)


def make_face_verdicts(videos: list[LabelledVideo], calibration: Calibration) -> pd.DataFrame:
    """Make `FACE_COLUMNS`, one row a face; its label is empty where nothing is annotated."""
    rows = [
        {
            "video": video.video,
            "source": video.source,
            "face": track.track,
            "label": label,
            **_to_columns(decide_track(track, calibration)),
            "first_frame": track.frames[0],
            "last_frame": track.frames[-1],
            "frames": len(track.frames),
            "usable_frames": int(find_usable(track, calibration.usable).sum()),
        }
        for video in videos
        for track, label in zip(video.tracks, video.track_labels, strict=True)
    ]
    return pd.DataFrame(rows, columns=FACE_COLUMNS)


def score_frames(tracks: list[FaceTrack]) -> np.ndarray:
    """Give the highest fake share of each frame that has a face; empty without faces."""
    if not tracks:
        return np.zeros(0)
    frames = np.concatenate([track.frames for track in tracks])
    fake_scores = np.concatenate([track.compute_fake_score() for track in tracks])
    return pd.Series(fake_scores).groupby(frames).max().to_numpy()


def _to_columns(decision: Decision) -> dict:
    probability = np.nan if decision.probability is None else decision.probability
    return {
        "verdict": decision.answer,
        "probability": probability,
        "threshold": decision.threshold,
        "reason": decision.reason,
    }
