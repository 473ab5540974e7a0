"""What the released calibration is worth as the prior of few own videos: simulated.

A detector's log-odds for a real and a fake video of each source are drawn around a source's own
level. The released calibration is fitted on 100 sources. Fine-tuning moves all log-odds by
`shift`, and the distance of fakes from real videos by the factor `gain`; some own sources
validate. Compared are own videos alone and with the prior, on 200 new videos: log loss (knowing
nothing is 0.693), and how many get an answer, real videos called fake, fake ones called real.
Means of so many repetitions, rates of errors with their standard error.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.special import expit

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from deepfake_detector.config.schema import CalibrateParams, UsableParams  # noqa: E402
from deepfake_detector.metrics.classification import compute_log_loss  # noqa: E402
from deepfake_detector.verdicts.calibration import ScoredBy  # noqa: E402
from deepfake_detector.verdicts.decision import decide_video  # noqa: E402
from deepfake_detector.verdicts.face_track import FaceTrack  # noqa: E402
from deepfake_detector.verdicts.fit_calibration import fit_calibration  # noqa: E402
from deepfake_detector.verdicts.labelled_videos import LabelledVideo  # noqa: E402
from deepfake_detector.verdicts.released_prior import ReleasedPrior  # noqa: E402

RELEASED_SOURCES, NEW_SOURCES, FRAMES = 100, 100, 6
DISTANCE, SPREAD, TIMES = 1.5, 0.7, 2.0  # of fakes from real ones, of sources; too sure of itself
CHANGES = [(0.0, 1.0), (0.0, 2.0), (2.0, 1.0), (2.0, 2.0)]  # shift, gain
SOURCES = [3, 9]
PARAMS = CalibrateParams(
    max_false_positive_rate=0.1,
    max_false_negative_rate=0.1,
    abstain_margin=0.1,
    usable=UsableParams(min_face_px=32, min_face_score=0.5, min_sharpness=0.0, min_frames=4),
)
SCORED_BY = ScoredBy("0" * 64, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    generator = np.random.default_rng(1)
    released = fit_calibration(
        draw_videos(RELEASED_SOURCES, 0, 1, generator)[0], PARAMS, SCORED_BY
    )
    print("shift  gain  sources  calibrated by  log loss  answered  real as fake  fake as real")
    for shift, gain in CHANGES:
        for sources in SOURCES:
            rows = np.array(
                [measure(released, sources, shift, gain, generator) for _ in range(repeats)]
            )
            for name, own in zip(
                ("own alone", "with the prior"), rows.swapaxes(0, 1), strict=True
            ):
                mean, error = own.mean(axis=0), own.std(axis=0) / np.sqrt(repeats)
                print(
                    f"{shift:5}{gain:6}{sources:9}  {name:14}{mean[0]:9.3f}{mean[1]:10.2f}"
                    f"{mean[2]:8.3f} ±{error[2]:.3f}{mean[3]:8.3f} ±{error[3]:.3f}",
                    flush=True,
                )


def measure(released, sources: int, shift: float, gain: float, generator) -> list[list[float]]:
    """Measure calibrations by own videos alone and with the prior: 2 rows of 4 numbers."""
    own, as_released = draw_videos(sources, shift, gain, generator)
    new, _ = draw_videos(NEW_SOURCES, shift, gain, generator)
    prior = ReleasedPrior(released, "0", as_released)
    return [
        measure_verdicts(new, fit_calibration(own, PARAMS, SCORED_BY, one))
        for one in (None, prior)
    ]


def measure_verdicts(videos: list[LabelledVideo], calibration) -> list[float]:
    """Measure log loss, the share with an answer, and of each label that called the other."""
    verdicts = [decide_video(video.tracks, calibration) for video in videos]
    is_fake = np.array([video.label == "fake" for video in videos])
    answers = np.array([verdict.answer for verdict in verdicts])
    return [
        compute_log_loss(is_fake, np.array([verdict.probability for verdict in verdicts])),
        np.mean(answers != "cannot tell"),
        np.mean(answers[~is_fake] == "likely fake"),
        np.mean(answers[is_fake] == "likely real"),
    ]


def draw_videos(sources: int, shift: float, gain: float, generator) -> tuple[list, list]:
    """Draw a real and a fake video of each source, as fine-tuned and as released."""
    level = generator.normal(0, SPREAD, sources)
    drawn = ([], [])
    for label, sign in (("real", -0.5), ("fake", 0.5)):
        noise = generator.normal(0, 1, sources)
        for videos, distance, moved in (
            (drawn[0], gain * DISTANCE, shift),
            (drawn[1], DISTANCE, 0.0),
        ):
            log_odds = TIMES * (level + sign * distance + noise) + moved
            videos += [make_video(f"s{n}", label, expit(one)) for n, one in enumerate(log_odds)]
    return drawn


def make_video(source: str, label: str, fake_score: float) -> LabelledVideo:
    fake = np.full(FRAMES, fake_score)
    boxes_px = np.tile([0.0, 0.0, 100.0, 100.0], (FRAMES, 1))
    track = FaceTrack(1, np.arange(FRAMES), boxes_px, 1 - fake, fake, np.full(FRAMES, 500.0))
    return LabelledVideo(f"{source}_{label}", source, label, [track], [label])


if __name__ == "__main__":
    main()
