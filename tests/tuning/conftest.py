import optuna
import pytest

from code_map import PROJECT
from deepfake_detector.config.schema import Params, load_params
from deepfake_detector.tuning import study as studies

RATE = "train.schedule.learning_rate"


@pytest.fixture(scope="session")
def project_params() -> Params:
    return load_params(PROJECT / "params.yaml")


def search(params: Params, *spaces: dict, **settings) -> Params:
    """Return params that search `spaces`, with other settings of `tune`."""
    content = params.model_dump(by_alias=True)
    content["tune"] |= settings | {"space": list(spaces)}
    return Params.model_validate(content)


@pytest.fixture
def rate_params(project_params) -> Params:
    """Parameters of a search for the learning rate alone; 0.0006 is the default."""
    space = {"name": RATE, "low": 0.0001, "high": 0.01, "log": True}
    pruner = {"name": "none", "n_startup_trials": 0, "n_warmup_steps": 0}
    return search(project_params, space, n_startup_trials=2, retries=1, pruner=pruner)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def storage(folder):
    """The SQLite file of a new project."""
    return studies.open_storage(None, retries=1)


@pytest.fixture
def study(storage, rate_params):
    """A study in it, called first."""
    return studies.open_study("first", storage, rate_params)


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
