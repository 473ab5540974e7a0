"""The command that opens the page: which model it loads, and within which limits."""

import pytest

import app
from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.predictor import DeepfakePredictor, make_sampling
from deepfake_detector.video.decoders.isolated_decoder import IsolatedDecoder


def start(monkeypatch, *options):
    """Start the command up to where the model would be loaded; return what is asked for."""
    asked = []

    def load(*given):
        *asked_for, decoder = given
        assert isinstance(decoder, IsolatedDecoder)
        asked.append(tuple(asked_for))
        raise ValueError("no model here")

    monkeypatch.setattr(DeepfakePredictor, "load", load)
    monkeypatch.setattr("sys.argv", ["app.py", *options])
    monkeypatch.chdir(PROJECT)
    with pytest.raises(SystemExit, match="app: no model here"):
        app.main()
    return asked[0]


def test_the_model_is_the_one_that_is_named_within_the_limits_of_the_page(monkeypatch):
    params = load_params(PROJECT / "params.yaml")
    sampling = make_sampling(params.predict, params.app.max_seconds)
    rates = ("--prevalence", "0.1", "--max-false-positive-rate", "1%")
    asked = start(monkeypatch, "--model", "released", *rates)
    assert asked == ("released", sampling, "auto", 0.1, 0.01)
    assert start(monkeypatch) == (None, sampling, "auto", 0.5, None)
