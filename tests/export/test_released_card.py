from deepfake_detector.export.released_card import make_card_text

CARD = {
    "version": "0.1",
    "date": "2026-11-28",
    "commit": "abc",
    "covers": ["face swap"],
    "not_covered": ["animated still"],
    "data": [{"kind": "real", "videos": 3, "people": 2}],
    "people": 2,
    "has_encoder": True,
    "licences": {"MIT": 3},
    "protocol": "Test videos, once.",
    "results": [{"on": "face swap", "AUC": 0.8123, "95 %": "0.7-0.9"}],
    "precision": {"prevalence": 0.01, "value": 0.25},
    "files": {"weights.npz": "0" * 64},
}


def test_the_text_tells_what_the_data_holds():
    text = make_card_text(CARD)
    assert "# Deepfake detector 0.1: card" in text
    assert "- face swap" in text
    assert "not told reliably: animated still." in text
    assert "| face swap | 0.812 | 0.7-0.9 |" in text
    assert "- MIT: 3 videos" in text
    assert "Precision where 1% of the clips are fake: 0.250." in text
    assert "head on the image encoder of CLIP (ViT-B/16" in text
    assert "CLIP" not in make_card_text(CARD | {"has_encoder": False})


def test_what_was_not_measured_is_not_a_number():
    card = CARD | {"precision": {"prevalence": 0.01, "value": None}}
    assert "are fake: n/a." in make_card_text(card)
