import math

import numpy as np
import pandas as pd
import pytest

from deepfake_detector.evaluation.verdict_metrics import (
    measure_answers,
    measure_faces,
    measure_probabilities,
)
from deepfake_detector.evaluation.verdict_tables import score_frames
from deepfake_detector.verdicts.face_track import FaceTrack

NAN = math.nan
VERDICTS = pd.DataFrame(
    [
        ("a", "one", "real", "likely real", 0.1, 0.7, 0.4, 0.6),
        ("b", "one", "fake", "likely fake", 0.9, 0.7, 0.6, 0.4),
        ("c", "two", "real", "likely fake", 0.8, 0.7, 0.2, 0.3),
        ("d", "two", "fake", "cannot tell", 0.5, 0.7, 0.9, 0.9),
        ("e", "two", "fake", "cannot tell", NAN, 0.7, 0.5, NAN),
        ("f", "six", "", "cannot tell", NAN, 0.7, 0.5, NAN),
        ("g", "six", "", "likely real", 0.2, 0.7, 0.2, 0.2),
    ],
    columns=[
        *("video", "source", "label", "verdict", "probability", "threshold"),
        *("majority", "plain_mean"),
    ],
)


def test_methods_are_measured_on_the_videos_that_have_a_probability():
    """Pairs of a, c with b, d. Verdict: 0.9 beats both, 0.5 one. Majority: all. Mean: 3 of 4."""
    metrics = measure_probabilities(VERDICTS, 0, 1)
    assert metrics["video_auc"] == 0.75
    assert metrics["majority_auc"] == 1.0
    assert metrics["plain_mean_auc"] == 0.75
    expected = -np.log([0.9, 0.9, 0.2, 0.5]).mean()
    assert metrics["video_log_loss"] == pytest.approx(expected)
    assert (metrics["videos"], metrics["videos_with_probability"]) == (5, 4)
    assert metrics["sources"] == 2
    assert metrics["intervals"] == "none: evaluate.n_bootstrap is 0"


def test_only_bold_probabilities_can_show_no_ece():
    """A method that says 0 or 1 is right about what it says or is not; one half is a coin."""
    bold = VERDICTS.assign(majority=[0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0], plain_mean=0.5)
    metrics = measure_probabilities(bold, 400, 1)
    assert metrics["majority_ece_if_calibrated"] == 0.0
    # of 4 videos in one bin: |0.5 - mean of four coins| is 0.5, 0.25, 0, 0.25, 0.5 on average 3/16
    assert metrics["plain_mean_ece_if_calibrated"] == pytest.approx(3 / 16, abs=0.03)
    assert 0 < metrics["video_ece_if_calibrated"] < 0.5


def test_answers_are_counted():
    metrics = measure_answers(VERDICTS)
    assert metrics["video_accuracy"] == 0.5  # of a, b, c, d: d is below the threshold
    assert metrics["selective_accuracy"] == pytest.approx(2 / 3)
    assert metrics["abstained"] == 2
    assert metrics["false_positive_rate"] == 0.5
    assert metrics["false_negative_rate"] == 0
    assert (metrics["faceless_videos"], metrics["faceless_videos_answered"]) == (2, 1)


def test_intervals_come_from_drawing_sources():
    """Drawn are one twice, two twice or both: AUC 1, 0 or 0.75."""
    metrics = measure_probabilities(VERDICTS, 200, 1)
    assert (metrics["video_auc_ci95_low"], metrics["video_auc_ci95_high"]) == (0, 1)
    assert metrics["auc_over_majority_ci95_low"] == -1
    assert metrics["auc_over_majority_ci95_high"] == 0
    assert metrics["intervals"] == "95 %, 200 resamples of 2 sources"


def test_one_source_has_no_intervals():
    metrics = measure_probabilities(VERDICTS[VERDICTS["source"] == "one"], 100, 1)
    assert metrics["intervals"] == "none: fewer than 2 sources scored"


def test_no_video_has_no_figures():
    metrics = measure_probabilities(VERDICTS[:0], 100, 1) | measure_answers(VERDICTS[:0])
    assert math.isnan(metrics["video_auc"])
    assert math.isnan(metrics["selective_accuracy"])
    assert (metrics["videos"], metrics["abstained"]) == (0, 0)


def test_faces_are_measured_where_they_are_annotated():
    faces = pd.DataFrame(
        {"label": ["real", "fake", "", "fake"], "probability": [0.3, 0.6, 0.9, NAN]}
    )
    metrics = measure_faces(faces)
    assert metrics["face_auc"] == 1.0
    assert (metrics["faces_annotated"], metrics["faces_with_probability"]) == (3, 2)
    assert metrics["faces_unknown"] == 1


def test_a_frame_has_the_score_of_its_most_suspicious_face():
    def see(track, frames, fake):
        fake, count = np.array(fake), len(frames)
        boxes_px = np.tile([0, 0, 9, 9], (count, 1))
        return FaceTrack(track, np.array(frames), boxes_px, 1 - fake, fake, np.ones(count))

    tracks = [see(1, [0, 5], [0.2, 0.7]), see(2, [5, 10], [0.4, 0.6])]
    assert score_frames(tracks) == pytest.approx([0.2, 0.7, 0.6])
    assert len(score_frames([])) == 0
