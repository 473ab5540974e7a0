from tests.data.data_card.cards import SPLITS, make_faces, make_videos

from deepfake_detector.data.data_card.card_contents import make_data_card
from deepfake_detector.data.data_card.card_text import card_to_markdown, drift_to_line
from deepfake_detector.data.data_card.drift import compare_versions


def make_card(last=None, **changes):
    card = make_data_card(make_videos(**changes), make_faces(), SPLITS, "12ab")
    return card | compare_versions(card, last)


def test_a_card_is_tables_of_markdown():
    text = card_to_markdown(make_card())
    assert "Version `12ab`" in text
    assert "| DeepFaceLive | 1 | 1 | 0 | 0 | 0 | 2 |" in text
    assert "| not stated | 1 |" in text
    assert "| train | fake | 80 | 80 | 80 | 80 | 80 |" in text
    assert "| 640x480 | 2 |" in text
    assert "No earlier version of the data is committed." in text
    assert drift_to_line(make_card()).endswith("no earlier version is committed")


def test_a_card_names_the_last_version_and_the_distance_from_it():
    last = make_card(fps=[50.0, 50.0, 60000 / 1001]) | {"version": "34cd"}
    card = make_card(last=("fedcba987654", last))
    text = card_to_markdown(card)
    assert "From version `34cd` (commit fedcba987654)." in text
    assert "| frame rate | 1.0000 |" in text
    assert "drift from 34cd: label balance 0, " in drift_to_line(card)


def test_what_a_user_calls_a_method_stays_in_its_cell():
    text = card_to_markdown(make_card(method=["", "a|b\n<img>", ""]))
    assert "| a\\|b &lt;img> | 1 |" in text


def test_only_the_most_frequent_resolutions_are_listed():
    card = make_card()
    card["distributions"]["resolution_px"] = {f"{n}x9": n for n in range(1, 16)}
    text = card_to_markdown(card)
    assert "| 15x9 | 15 |" in text
    assert "| 3 others | 6 |" in text
