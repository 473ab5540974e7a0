"""Small files that once went wrong, each the smallest of a whole kind, as commands read them.

They lie beside the project and are no part of it; each kind has a test of its own with files made
there, too.
"""

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest

import validate
from builders import make_predictor
from code_map import PROJECT
from deepfake_detector.common.tables import read_table
from deepfake_detector.config.schema import load_params
from deepfake_detector.video.decoders.decoder import Decoder
from deepfake_detector.video.decoders.isolated_decoder import IsolatedDecoder
from deepfake_detector.video.reading import read_frames

FAULTS = PROJECT.parent / "shared/faults"
pytestmark = pytest.mark.skipif(
    not FAULTS.is_dir(), reason="no folder of faults beside the project"
)

DECODERS = {"in this process": Decoder(), "in its own": IsolatedDecoder()}


class SeesNothing:
    input_shape = (None, 64, 64, 3)

    def predict_on_batch(self, images):
        empty = np.zeros((len(images), 1, 4)), np.zeros((len(images), 1, 2))
        return dict(zip(("boxes", "scores"), empty, strict=True))


@pytest.fixture(params=DECODERS, name="analyze")
def make_analyze(request):
    predictor = make_predictor(SeesNothing(), max_seconds=600.0)
    predictor.decoder = DECODERS[request.param]
    return lambda name: predictor.analyze(FAULTS / name)


@pytest.mark.parametrize(
    "name", ["plain.mp4", "cover_first.mp4", "vflip_upright.mp4", "streamed_no_count.avi"]
)
def test_all_frames_of_the_stream_that_a_player_shows_are_read(analyze, name):
    analysis = analyze(name)
    assert analysis.frames.read == analyze("plain.mp4").frames.read
    assert analysis.frames.rejected == 0
    assert 0 < analysis.seconds < 10


def test_times_count_from_the_first_frame(analyze):
    analysis = analyze("dvr_offset.ts")
    assert analysis.frames.seconds[0] == 0
    assert 1 < analysis.seconds < 2


def test_a_flipped_video_is_upright():
    (_, plain), (_, flipped) = (
        next(read_frames(FAULTS / name)) for name in ("plain.mp4", "vflip_upright.mp4")
    )
    difference = np.abs(plain.astype(float) - flipped).mean()
    assert difference < np.abs(plain[::-1].astype(float) - flipped).mean() / 3


def test_pixels_that_are_not_square_and_hdr_are_told(analyze):
    assert analyze("anamorphic.mp4").pixel_aspect == pytest.approx(4 / 3, abs=0.01)
    assert analyze("hdr_pq.mov").transfer == "pq"
    assert analyze("plain.mp4").transfer == ""


def test_an_image_is_known_by_its_content(analyze):
    assert analyze("face.jfif").image is not None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("song.mp3", "sound|no picture|no video"),
        ("cut.jpg", "cut off|ends|damaged|incomplete"),
        ("gif_16000.gif", "pixels|px"),
        ("png_100k.png", ""),
        ("bmp_100k.bmp", ""),
        ("image_1202.bmp", ""),
        ("fpstiny.y4m", ""),
    ],
)
def test_what_cannot_be_used_is_rejected_by_name(analyze, name, reason):
    with pytest.raises(ValueError, match=f"(?s){name}.*({reason})"):
        analyze(name)


@pytest.mark.parametrize("name", ["IMG_grid.HEIC", "gap1e9.mkv", "video_42e2bae5.swf"])
def test_what_may_be_used_is_analyzed_or_rejected_by_name(analyze, name):
    try:
        read = analyze(name).frames.analyzed
    except ValueError as error:
        read = name in str(error)
    assert read >= 1


@pytest.mark.parametrize(
    "path", sorted(FAULTS.glob("annotations/params_*.yaml")), ids=lambda p: p.name
)
def test_parameters_of_another_type_are_rejected_by_key(path: Path):
    with pytest.raises(ValueError, match=path.name):
        load_params(path)


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Validate videos, copies of the plain one, with annotations; give the tables by name."""

    def check(names, **files):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "params.yaml").write_text((PROJECT / "params.yaml").read_text())
        (tmp_path / "data/videos").mkdir(parents=True)
        (tmp_path / "data/annotations").mkdir()
        for name in names:
            shutil.copy(FAULTS / "plain.mp4", tmp_path / "data/videos" / name)
        for target, source in files.items():
            shutil.copy(FAULTS / "annotations" / source, tmp_path / "data" / target)
        with contextlib.suppress(ValueError):  # a few videos are no data set to train on
            validate.validate(1)
        folder = tmp_path / "artifacts/validate"
        return {path.stem: read_table(path) for path in folder.glob("*.csv")}

    return check


@pytest.mark.parametrize(
    ("video", "file"),
    [
        ("floatframe.mp4", "floatframe.csv"),
        ("halffloat.mp4", "halffloat.csv"),
        ("y2020.mp4", "y2020.csv"),
    ],
)
def test_an_annotated_frame_is_read_or_ignored_and_never_background(check, video, file):
    tables = check([video], **{f"annotations/{file}": file})
    annotated = len((FAULTS / "annotations" / file).read_text().splitlines()) - 1
    read = set(tables["annotations"]["frame"].astype(str))
    ignored = tables["ignored_frames"]
    known = read | set(ignored.loc[ignored["video"] == video, "frame"].astype(str))
    assert len(known) >= annotated or "" in known  # without a frame, the whole video


def test_a_number_without_end_is_rejected_by_row(check):
    tables = check(["webcam_1.mp4"], **{"annotations/a.json": "geometry_400_digits.json"})
    assert len(tables["rejected"]) >= 1
    assert len(tables["annotations"]) == 0


def test_a_source_called_na_is_a_source(check):
    tables = check(["webcam_1.mp4"], **{"videos.csv": "videos_source_NA.csv"})
    sources = dict(zip(tables["videos"]["video"], tables["videos"]["source"], strict=True))
    assert sources["webcam_1.mp4"] == "NA"


def test_an_offset_without_measure_is_rejected_by_row(check):
    tables = check(["webcam_1.mp4"], **{"videos.csv": "videos_offset.csv"})
    assert "frame_offset" in " ".join(tables["rejected"]["reason"])
