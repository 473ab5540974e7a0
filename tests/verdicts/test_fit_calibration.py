import numpy as np
import pytest

from deepfake_detector.config.schema import CalibrateParams, UsableParams
from deepfake_detector.verdicts.calibration import ScoredBy, load_calibration
from deepfake_detector.verdicts.cross_validation import cross_validate
from deepfake_detector.verdicts.decision import decide_video
from deepfake_detector.verdicts.face_track import FaceTrack
from deepfake_detector.verdicts.fit_calibration import fit_calibration
from deepfake_detector.verdicts.frame_aggregation import RULES
from deepfake_detector.verdicts.labelled_videos import LabelledVideo, list_faces
from deepfake_detector.verdicts.segments import find_segments

USABLE = UsableParams(min_face_px=10, min_face_score=0.5, min_sharpness=0.0, min_frames=2)
PARAMS = CalibrateParams(
    max_false_positive_rate=0.1, max_false_negative_rate=0.1, abstain_margin=0.1, usable=USABLE
)

SCORED_BY = ScoredBy("1" * 64, "2" * 64)


def see(*fake_scores, track=1):
    fake, count = np.array(fake_scores, float), len(fake_scores)
    boxes_px = np.tile([0, 0, 50, 50], (count, 1))
    return FaceTrack(track, np.arange(count), boxes_px, 1 - fake, fake, np.full(count, 100.0))


def know(label, source, *tracks, labels=None):
    names = [label] * len(tracks) if labels is None else labels
    return LabelledVideo(f"{source}_{label}", source, label, list(tracks), names)


def make_videos(sources=4, spoiled=0.5):
    """Fakes whose first frame of five says the opposite; the same for the real ones."""
    videos = []
    for source in "abcdefgh"[:sources]:
        videos.append(know("real", source, see(1 - spoiled, 0.2, 0.2, 0.2, 0.2)))
        videos.append(know("fake", source, see(spoiled, 0.8, 0.8, 0.8, 0.8)))
    return videos


def test_the_rule_with_the_least_loss_on_left_out_sources_is_taken():
    calibration = fit_calibration(make_videos(), PARAMS, SCORED_BY)
    losses = calibration.fitted.log_loss
    assert set(losses) == {f"{rule}_{fit}" for rule in RULES for fit in ("identity", "fitted")}
    assert min(losses, key=losses.get) == f"{calibration.rule}_{calibration.fit}"
    assert calibration.fitted.sources == 4
    assert (calibration.fitted.tracks_real, calibration.fitted.tracks_fake) == (4, 4)


def test_single_frames_that_err_badly_call_for_a_rule_that_bears_them():
    calibration = fit_calibration(make_videos(sources=8, spoiled=0.001), PARAMS, SCORED_BY)
    losses = calibration.fitted.log_loss
    assert losses["trimmed_log_odds_fitted"] < losses["mean_fitted"] < losses["top_fitted"]


def test_a_detector_that_says_what_is_true_is_taken_at_its_word():
    """Three of four videos called 0.75 are fake, one is not, and the other way round: as it is
    the log loss is 0.562, the least that any correction can have."""
    videos = [
        know(label, source, see(*[fake_score] * 4))
        for source in "abcd"
        for fake_score, label in [
            (0.75, "real" if source == "a" else "fake"),
            (0.25, "fake" if source == "a" else "real"),
        ]
    ]
    calibration = fit_calibration(videos, PARAMS, SCORED_BY)
    assert calibration.fit == "identity"
    assert calibration.fitted.log_loss["mean_identity"] == pytest.approx(0.5623, abs=1e-4)
    assert decide_video([see(*[0.75] * 4)], calibration).probability == pytest.approx(0.75)


def test_labels_weigh_alike_however_many_videos_there_are_of_each():
    """Real videos, three times as many as fakes, all as doubtful: odds stay even."""
    videos = [
        know(label, source, see(*[0.5] * 4))
        for source in "abcd"
        for label in ("real", "real", "real", "fake")
    ]
    calibration = fit_calibration(videos, PARAMS, SCORED_BY)
    assert decide_video([see(*[0.5] * 4)], calibration).probability == pytest.approx(0.5)
    assert calibration.fitted.log_loss["mean_fitted"] == pytest.approx(np.log(2))


def test_a_biased_detector_is_corrected():
    """All shares too high: real faces at 0.88 and fakes at 0.98."""
    videos = [
        know(label, source, see(*[fake_score] * 4))
        for source in "abcdefgh"
        for fake_score, label in [(0.88, "real"), (0.98, "fake")]
    ]
    calibration = fit_calibration(videos, PARAMS, SCORED_BY)
    assert calibration.fit == "fitted"
    assert decide_video([see(*[0.88] * 4)], calibration).probability < 0.5


def test_a_calibration_comes_back_from_its_file(tmp_path):
    calibration = fit_calibration(make_videos(), PARAMS, SCORED_BY)
    path = tmp_path / "calibration.json"
    path.write_text(calibration.model_dump_json())
    assert load_calibration(path) == calibration
    assert calibration.detector_sha256 == "1" * 64
    assert calibration.classifier_sha256 == "2" * 64


def test_a_source_is_judged_by_the_others():
    """Left-out videos do not know their own truth: swapped labels of one source change nothing."""
    videos = make_videos()
    lied = [
        LabelledVideo(v.video, v.source, {"real": "fake", "fake": "real"}[v.label], v.tracks,
                   [{"real": "fake", "fake": "real"}[v.label]])
        if v.source == "a" else v
        for v in videos
    ]  # fmt: skip
    told = [
        cross_validate(some, list_faces(some, USABLE), "mean", "fitted") for some in (videos, lied)
    ]
    assert told[0][:2] == pytest.approx(told[1][:2])
    assert told[0][2:] != pytest.approx(told[1][2:])


def test_faces_hardly_seen_are_no_part_of_the_calibration():
    videos = [*make_videos(), know("fake", "z", see(0.1))]
    assert (
        fit_calibration(videos, PARAMS, SCORED_BY).fitted
        == fit_calibration(make_videos(), PARAMS, SCORED_BY).fitted
    )


def test_faces_of_one_label_in_a_video_count_as_one():
    video = know("fake", "a", see(0.9, 0.9), see(0.9, 0.9), see(0.1, 0.1), see(0.5, 0.5),
                 labels=["fake", "fake", "real", ""])  # fmt: skip
    weights = [face.weight for face in list_faces([video], USABLE)]
    assert weights == [0.5, 0.5, 1, 1]


def test_a_false_alarm_counts_in_its_video_but_teaches_nothing():
    alarm = see(0.95, 0.95, 0.95, 0.95, 0.95, track=2)
    videos = make_videos()
    first = videos[0]
    with_alarm = know("real", "a", *first.tracks, alarm, labels=["real", ""])
    plain, alarmed = ([v, *videos[1:]] for v in (first, with_alarm))
    assert fit_calibration(plain, PARAMS, SCORED_BY).fitted.tracks_real == 4
    assert fit_calibration(alarmed, PARAMS, SCORED_BY).fitted.tracks_real == 4
    told = [
        cross_validate(v, list_faces(v, USABLE), "mean", "fitted")[0] for v in (plain, alarmed)
    ]
    assert told[1] > told[0]


@pytest.mark.parametrize(
    ("labels", "missing"), [(["real"], "fake"), (["fake"], "real"), ([], "fake or a real")]
)
def test_without_both_labels_there_is_no_probability(labels, missing):
    videos = [video for video in make_videos() if video.label in labels]
    calibration = fit_calibration(videos, PARAMS, SCORED_BY)
    decision = decide_video([see(0.9, 0.9, 0.9)], calibration)
    assert (decision.answer, decision.probability) == ("cannot tell", None)
    assert f"no validation video shows a {missing} face" in decision.reason


def test_one_source_gives_probabilities_but_no_answers():
    calibration = fit_calibration(make_videos(sources=1), PARAMS, SCORED_BY)
    assert calibration.fitted.log_loss == {}
    decision = decide_video([see(0.99, 0.99, 0.99)], calibration)
    assert decision.answer == "cannot tell"
    assert decision.probability > 0.5
    assert "no real and fake videos of other sources" in decision.reason


def test_as_many_real_videos_have_a_fake_window_as_may_be_called_fake():
    """Nineteen real videos whose highest windows are 0.25 + n / 40; a tenth of them may pass."""
    sources = [f"s{number}" for number in range(19)]
    videos = []
    for number, source in enumerate(sources):
        part = [0.25 + number / 40] * 5
        videos.append(know("real", source, see(*[0.02] * 40, *part)))
        videos.append(know("fake", source, see(*[0.95 + number / 1000] * 20)))
    calibration = fit_calibration(videos, PARAMS, SCORED_BY)
    passed = [
        source
        for source, video in zip(sources, videos[::2], strict=True)
        if find_segments(video.tracks[0], np.arange(45.0), calibration)
    ]
    assert passed == ["s18"]  # the 18th of 19 is the bound: rank (19 + 1) x 0.9
    assert decide_video(videos[0].tracks, calibration).answer == "likely real"
    assert "a part of face" in decide_video(videos[36].tracks, calibration).reason
    assert len(calibration.real_probabilities) == 19
