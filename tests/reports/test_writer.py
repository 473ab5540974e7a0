"""Whole videos, odd ones among them, from file to verdict.json, report and drawn video."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import clips
from builders import make_model, make_predictor
from clips import FACE_PX, SeesColors, make_frame, write_clip
from deepfake_detector.common.files import hash_file
from deepfake_detector.data.known_videos import TrainingVideos
from deepfake_detector.inference.predictor import DeepfakePredictor
from deepfake_detector.reports import annotated_video
from deepfake_detector.reports.verdict_files import Drawing, write_report
from deepfake_detector.video.metadata import probe_video
from deepfake_detector.video.perceptual_hash import hash_video
from deepfake_detector.video.reading import read_frames
from deepfake_detector.video.sampling import Sampling

FAKE, REAL = ("fake", FACE_PX), ("real", FACE_PX)


def report(path, frame_stride=1, **options):
    """Analyze a file with a detector that sees colors; return what is recorded, and the folder."""
    predictor = make_predictor(SeesColors(), frame_stride, **options)
    out = path.parent / f"{path.stem}_out"
    return write_report(predictor.analyze(path), predictor.model, out), out


def list_columns(track, *names):
    return [[row[name] for row in track["time_line"]] for name in names]


def test_a_fake_face_makes_a_video_likely_fake(tmp_path):
    record, out = report(write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 12))
    assert (record["verdict"], record["threshold"]) == ("likely fake", 0.6)
    assert record["probability"] == pytest.approx(0.947, abs=0.002)  # 0.9 of 0.95
    (track,) = record["tracks"]
    assert (track["track"], track["verdict"]) == (1, "likely fake")
    frames, seconds, lefts = list_columns(track, "frame", "seconds", "left")
    assert frames == list(range(12))
    assert seconds == pytest.approx([number / 10 for number in range(12)])
    assert lefts == pytest.approx([40] * 12, abs=2)
    assert record["frames"] == {
        "read": 12, "analyzed": 12, "frame_stride": 1, "rejected": 0, "rejected_because": "",
    }  # fmt: skip
    assert record["model"] == {
        "name": "trained", "version": None, "detector": "1" * 64, "classifier": None,
        "calibration": "3" * 64,
    }  # fmt: skip
    assert (record["schema"], record["covers"]) == (2, [])
    quality = record["quality"]
    assert (quality["track"], quality["frames"]) == (1, 12)
    assert quality["face_px"] == pytest.approx(60, abs=2)
    assert quality["group"] == "small"
    (segment,) = record["segments"]
    assert (segment["track"], segment["from"], segment["to"]) == (1, 0, 1.1)
    assert segment["probability"] > 0.6
    assert set(track["time_line"][0]) == {
        "frame", "seconds", "left", "top", "right", "bottom", "real", "fake", "fake_score",
        "fake_score_smoothed", "sharpness", "used", "classified",
    }  # fmt: skip
    assert json.loads((out / "verdict.json").read_text())["verdict"] == "likely fake"


def test_a_real_face_makes_a_video_likely_real(tmp_path):
    record, _ = report(write_clip(tmp_path / "a.mp4", [make_frame([REAL])] * 12))
    assert (record["verdict"], record["segments"]) == ("likely real", [])


def test_a_forged_part_of_a_real_video_is_a_segment(tmp_path):
    labels = [REAL] * 20 + [FAKE] * 10 + [REAL] * 20
    path = write_clip(tmp_path / "a.mp4", [make_frame([label]) for label in labels])
    record, out = report(path)
    (segment,) = record["segments"]
    assert segment["from"] == pytest.approx(2.0, abs=0.3)
    assert segment["to"] == pytest.approx(2.9, abs=0.3)
    page = (out / "report.html").read_text()
    assert "Parts that look fake by themselves" in page
    assert f"{segment['from']:.1f} … {segment['to']:.1f} s" in page


def test_two_runs_write_the_same_bytes_but_for_one_field_of_times(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 9)
    texts = []
    for _ in range(2):
        _, out = report(path)
        texts.append((out / "verdict.json").read_bytes())
    times = re.compile(rb',\n "times": \{[^}]*\}')
    assert times.search(texts[0])
    assert times.sub(b"", texts[0]) == times.sub(b"", texts[1])


def test_the_drawn_video_has_boxes_on_frames_that_were_not_looked_at(tmp_path):
    moving = [make_frame([("fake", (20 + 4 * n, 30, 80 + 4 * n, 90))]) for n in range(13)]
    path = write_clip(tmp_path / "a.mp4", moving)
    record, out = report(path, frame_stride=6)
    assert record["frames"]["analyzed"] == 3
    drawn = dict(read_frames(out / "annotated.mp4"))
    assert len(drawn) == 13
    changed = np.abs(drawn[3].astype(int) - moving[3]).max(axis=2) > 60
    assert changed[26:34, 28:96].any()


def test_a_video_of_variable_frame_rate_keeps_its_times(tmp_path):
    seconds = [0, 0.04, 0.08, 0.5, 1.5, 1.54, 3.0, 3.5]
    frames = [make_frame([FAKE])] * len(seconds)
    path = clips.write_uneven_clip(tmp_path / "a.mp4", frames, seconds)
    record, out = report(path)
    assert list_columns(record["tracks"][0], "seconds")[0] == pytest.approx(seconds, abs=0.01)
    with av.open(str(out / "annotated.mp4")) as container:
        drawn = [frame.time for frame in container.decode(video=0)]
    assert drawn == pytest.approx(seconds, abs=0.01)


def test_a_telephones_turned_video_is_judged_as_it_is_shown(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 8)
    record, out = report(clips.turn_clip(path, 120))
    assert (record["width_px"], record["height_px"]) == (120, 160)
    assert record["verdict"] == "likely fake"
    metadata = probe_video(out / "annotated.mp4")
    assert (metadata.width_px, metadata.height_px) == (120, 160)


def test_without_a_face_nobody_can_tell(tmp_path):
    record, out = report(write_clip(tmp_path / "a.mp4", [make_frame()] * 8))
    assert (record["verdict"], record["probability"]) == ("cannot tell", None)
    assert record["reason"] == "no face was found"
    assert record["tracks"] == []
    assert "no face was found" in (out / "report.html").read_text()
    assert probe_video(out / "annotated.mp4").frames == 8


def test_many_faces_are_followed_apart(tmp_path):
    boxes = [(x, y, x + 20, y + 20) for y in (5, 45, 85) for x in range(5, 150, 30)]
    frame = make_frame([("fake" if n == 7 else "real", box) for n, box in enumerate(boxes)])
    record, _ = report(write_clip(tmp_path / "a.mp4", [frame] * 8))
    assert len(record["tracks"]) == 15
    assert [track["verdict"] for track in record["tracks"]].count("likely fake") == 1
    assert record["verdict"] != "likely real"


def test_a_face_for_five_frames_is_too_little_when_every_third_is_looked_at(tmp_path):
    frames = [make_frame([FAKE] if 10 <= number < 15 else []) for number in range(30)]
    path = write_clip(tmp_path / "a.mp4", frames)
    record, _ = report(path, frame_stride=3)
    assert record["verdict"] == "cannot tell"
    assert "seen well in 1 frame, 4 needed" in record["reason"]
    record, _ = report(path, frame_stride=1)
    assert record["verdict"] == "likely fake"
    assert list_columns(record["tracks"][0], "frame")[0] == [10, 11, 12, 13, 14]


def test_a_cut_parts_two_faces_in_the_same_place(tmp_path):
    noise = np.random.default_rng(0).integers(0, 90, (120, 160, 3), dtype=np.uint8)
    noise[30:90, 40:100] = clips.COLORS["real"]
    dark = np.where(np.arange(160)[None, :, None] < 0, 0, noise).astype(np.uint8)
    dark[..., 1] //= 4
    frames = [make_frame([FAKE], gray=220)] * 10 + [dark] * 10
    record, _ = report(write_clip(tmp_path / "a.mp4", frames))
    assert [list_columns(track, "frame")[0] for track in record["tracks"]] == [
        list(range(10)), list(range(10, 20)),
    ]  # fmt: skip
    assert [track["verdict"] for track in record["tracks"]] == ["likely fake", "likely real"]


def test_two_hours_of_black_take_no_more_looks_than_wanted(tmp_path):
    black = np.zeros((32, 32, 3), np.uint8)
    path = write_clip(tmp_path / "a.mp4", (black for _ in range(3600)), fps=0.5)
    record, _ = report(path, frame_stride=3, max_frames=100)
    assert record["seconds"] == pytest.approx(7198)
    assert record["frames"]["read"] == 3600
    assert record["frames"]["analyzed"] == 100
    assert (record["verdict"], record["reason"]) == ("cannot tell", "no face was found")


def test_a_truncated_file_is_judged_as_far_as_it_goes_and_says_so(tmp_path):
    rng = np.random.default_rng(0)
    frames = [make_frame([FAKE]) for _ in range(60)]
    for frame in frames:
        frame[:, 120:] = rng.integers(90, 160, (120, 40, 3))
    path = clips.cut_off(write_clip(tmp_path / "a.mp4", frames), 0.5)
    record, out = report(path)
    counted = record["frames"]
    assert 5 < counted["read"] < 55
    assert 1 <= counted["rejected"] <= 60 - counted["read"]  # what cannot be decoded
    assert "a.mp4: " in counted["rejected_because"]
    assert record["verdict"] == "likely fake"
    assert "Only part of the file could be read" in (out / "report.html").read_text()


def test_a_file_of_sound_is_rejected(tmp_path):
    path = clips.write_sound(tmp_path / "sound.mp4")
    with pytest.raises(ValueError, match=r"sound\.mp4: not a video"):
        report(path)
    assert [file.name for file in tmp_path.iterdir()] == ["sound.mp4"]


def test_a_video_longer_than_allowed_is_rejected(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame()] * 30)
    with pytest.raises(ValueError, match=r"a\.mp4: longer than 2 seconds"):
        report(path, max_seconds=2)


def test_an_image_is_a_video_of_one_frame(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), make_frame([FAKE])[..., ::-1])
    record, out = report(tmp_path / "a.png")
    assert record["verdict"] == "cannot tell"
    assert "seen well in 1 frame, 4 needed" in record["reason"]
    assert {file.name for file in out.iterdir()} == {
        "annotated.jpg", "report.html", "verdict.json",
    }  # fmt: skip


def test_the_report_is_one_file_and_shows_strips_and_a_heat_map(tmp_path):
    _, out = report(write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 8))
    page = (out / "report.html").read_text()
    assert "Most suspicious faces" in page
    assert "Where on the face the evidence lies" in page
    assert "What it cannot show" in page
    assert page.count("data:image/jpeg;base64,") == 8
    assert re.findall(r'(?:src|href)="(?!data:image/)', page) == []


def test_a_file_name_is_text_in_the_report_and_never_markup(tmp_path):
    name = "<script>alert('1')</script>&\"x.mp4".replace("/", "_")
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 8).rename(tmp_path / name)
    _, out = report(Path(path))
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;1&#39;)" in page


def test_what_the_answer_covers_is_told_in_verdict_and_report(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 5)
    model = make_model(SeesColors(), covers=["face swaps", "not: sound & <music>"])
    analysis = DeepfakePredictor(model, Sampling(1)).analyze(path)
    record = write_report(analysis, model, tmp_path)
    assert record["covers"] == ["face swaps", "not: sound & <music>"]
    assert "<li>not: sound &amp; &lt;music&gt;</li>" in (tmp_path / "report.html").read_text()


def test_what_the_file_says_about_itself_is_told_and_no_part_of_the_verdict(tmp_path):
    record, out = report(write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 5))
    assert record["facts"]["encoder"].startswith("Lavf")
    assert record["facts"]["has_content_credentials"] is False
    page = (out / "report.html").read_text()
    assert "<td>encoder</td><td>Lavf" in page
    assert "none found" in page


def test_the_report_names_how_common_fakes_are_taken_to_be(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 5)
    predictor = make_predictor(SeesColors()).at_prevalence(0.01)
    record = write_report(predictor.analyze(path), predictor.model, tmp_path)
    assert record["prevalence"] == 0.01
    assert "for files of which 1 % are fake" in (tmp_path / "report.html").read_text()


def test_a_video_that_the_model_learned_from_is_named(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 8)
    files = TrainingVideos({hash_file(path): "ann<b>.mp4"}, {})
    copies = TrainingVideos({}, {"ann<b>.mp4": hash_video(path)})
    for training, is_same_file in ((files, True), (copies, False)):
        model = replace(make_model(SeesColors()), training_videos=training)
        record = write_report(DeepfakePredictor(model, Sampling(1)).analyze(path), model, tmp_path)
        assert record["known_from_training"] == {
            "video": "ann<b>.mp4", "is_same_file": is_same_file,
        }  # fmt: skip
        assert "ann&lt;b&gt;.mp4 of its training" in (tmp_path / "report.html").read_text()
    assert report(path)[0]["known_from_training"] is None


def test_progress_names_each_phase_and_the_frames_done_in_it(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 20)
    predictor, told = make_predictor(SeesColors()), []
    analysis = predictor.analyze(path, lambda *one: told.append(one))
    write_report(analysis, predictor.model, tmp_path, progress=lambda *one: told.append(one))
    phases = [phase for phase, _ in told]
    assert list(dict.fromkeys(phases)) == ["analyzing", "drawing", "explaining"]
    last = dict(told)
    assert last == {"analyzing": 20, "drawing": 20, "explaining": 20}


def test_a_video_is_opened_once_for_its_header_and_decoded_twice(tmp_path, monkeypatch):
    """Once to analyze it, once to draw it, as memory has no room for its frames."""
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 5)
    opened = []

    def count(name, *rest, open_file=av.open, **options):
        opened.append((Path(name).name, rest))
        return open_file(name, *rest, **options)

    monkeypatch.setattr(av, "open", count)
    report(path)
    assert [name for name, rest in opened if not rest] == ["a.mp4"] * 3


def test_pixels_that_are_not_square_and_hdr_are_told_in_verdict_and_report(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p10le"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.codec_context.color_trc = 16
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(make_frame([FAKE]), "rgb24")))
        container.mux(stream.encode())
    record, out = report(path)
    assert (record["pixel_aspect"], record["hdr"]) == (1.3333, "pq")
    assert record["width_px"] == 160
    text = (out / "report.html").read_text()
    assert "The video is HDR (PQ)" in text
    assert "a player shows each 1.333 times as wide" in text
    record, out = report(write_clip(tmp_path / "plain.mp4", [make_frame([FAKE])] * 5))
    assert (record["pixel_aspect"], record["hdr"]) == (1.0, "")
    words = re.sub('base64,[^"]+', "", (out / "report.html").read_text())  # no picture's letters
    assert not re.search("HDR|not square", words)


def test_without_a_drawn_video_the_report_is_the_same_but_for_heat_maps(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [make_frame([FAKE])] * 6 + [make_frame([REAL])] * 6)
    predictor = make_predictor(SeesColors())
    analysis, out = predictor.analyze(path), tmp_path / "out"
    records, reports = [], []
    for has_video in (True, False):
        records.append(write_report(analysis, predictor.model, out, Drawing(has_video)))
        reports.append((out / "report.html").read_text())
        assert (out / "annotated.mp4").exists() == has_video
    assert records[0] == records[1]
    assert [report.count("face beside its heat map") for report in reports] == [2, 0]
    assert reports[0].count("<img") == reports[1].count("<img") + 2


def test_without_a_face_and_without_a_drawn_video_nothing_is_read_again(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", [make_frame()] * 4)
    predictor = make_predictor(SeesColors())
    analysis = predictor.analyze(path)
    monkeypatch.setattr(annotated_video, "FrameReader", None)
    write_report(analysis, predictor.model, tmp_path / "out", Drawing(has_video=False))
    assert (tmp_path / "out" / "report.html").is_file()
