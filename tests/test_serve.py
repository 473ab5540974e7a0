"""The command that serves programs: its model, where it listens, and never without a token."""

import pytest

import serve
from code_map import PROJECT
from deepfake_detector.config.schema import load_params
from deepfake_detector.inference.predictor import DeepfakePredictor, make_sampling
from deepfake_detector.video.decoders.isolated_decoder import IsolatedDecoder
from deepfake_detector.web.service import TOKEN


@pytest.fixture
def asked(monkeypatch):
    """Let the command start up to where it would serve; what was asked for is noted."""
    asked = []

    def listen(host, port):
        asked.append((host, port))
        raise ValueError("not in a test")

    monkeypatch.setattr(DeepfakePredictor, "load", lambda *given: asked.append(given))
    monkeypatch.setattr(serve, "listen", listen)
    monkeypatch.setenv(TOKEN, "x" * 32)
    monkeypatch.chdir(PROJECT)
    return asked


def start(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["serve.py", *options])
    serve.main()


def test_this_machine_alone_reaches_it_unless_said_otherwise(asked, monkeypatch):
    params = load_params(PROJECT / "params.yaml")
    sampling = make_sampling(params.predict, params.app.max_seconds)
    with pytest.raises(SystemExit, match="serve: not in a test"):
        start(monkeypatch, "--model", "released")
    *model, decoder = asked[0]
    assert model == ["released", sampling, params.inference.engine, 0.5, None]
    assert isinstance(decoder, IsolatedDecoder)
    assert asked[1:] == [("127.0.0.1", params.app.port)]
    with pytest.raises(SystemExit, match="serve: not in a test"):
        start(monkeypatch, "--host", "0.0.0.0")
    assert asked[-1] == ("0.0.0.0", params.app.port)


def test_without_a_token_nothing_is_loaded_or_served(asked, monkeypatch):
    monkeypatch.delenv(TOKEN)
    with pytest.raises(SystemExit, match=f"serve: {TOKEN} holds 0 characters"):
        start(monkeypatch)
    assert asked == []
