import pytest
from tests.data.data_card.cards import SPLITS, make_faces, make_videos

from deepfake_detector.data.data_card.card_contents import make_data_card, name_version


def test_a_card_counts_by_method_data_set_licence_size_and_kind_of_video():
    card = make_data_card(make_videos(), make_faces(), SPLITS, "12ab")
    assert card["version"] == "12ab"
    assert card["splits"] == SPLITS
    counted = ("videos", "train", "validation", "test", "real_faces", "fake_faces")
    assert card["methods"] == {"DeepFaceLive": dict(zip(counted, (1, 1, 0, 0, 0, 2), strict=True))}
    assert card["datasets"] == {
        "": dict(zip(counted, (1, 1, 0, 0, 1, 0), strict=True)),
        "mine": dict(zip(counted, (2, 1, 0, 1, 0, 2), strict=True)),
    }
    assert card["licences"]["MIT"]["videos"] == 2
    assert card["licences"][""]["videos"] == 1
    train = card["face_sizes_px"]["train"]
    assert train["real"] == dict.fromkeys(("min", "p10", "median", "p90", "max"), 40.0)
    assert train["fake"]["median"] == 80.0
    assert card["face_sizes_px"]["test"] == {"real": None, "fake": None}
    assert card["distributions"] == {
        "label": {"fake": 2, "real": 1},
        "face_size_px": {"40": 1, "80": 2},
        "resolution_px": {"360x640": 1, "640x480": 2},
        "fps": {"25": 2, "29.97": 1},
        "codec": {"h264": 2, "hevc": 1},
    }


def test_videos_without_any_face_have_a_card():
    videos = make_videos(real=[0, 0, 0], fake=[0, 0, 0])
    card = make_data_card(videos, make_faces().iloc[:0], SPLITS, "12ab")
    assert card["methods"] == {}
    assert card["distributions"]["label"] == card["distributions"]["face_size_px"] == {}


@pytest.mark.parametrize("table", [0, 1])
def test_a_version_is_the_content_of_its_tables(tmp_path, table):
    tables = [tmp_path / "videos.csv", tmp_path / "annotations.csv"]
    for path in tables:
        path.write_text("one")
    version = name_version(tables)
    assert len(version) == 12
    assert name_version(tables) == version
    tables[table].write_text("two")
    assert name_version(tables) != version
