import zipfile

import numpy as np
import pytest

from deepfake_detector.common import archives
from deepfake_detector.common.archives import check_archive_size


def write_archive(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_an_archive_of_weights_is_accepted(tmp_path):
    weights = np.random.default_rng(0).normal(size=100_000).tobytes()
    check_archive_size(write_archive(tmp_path / "a.keras", {"config.json": "{}", "w": weights}))


def test_a_small_archive_may_shrink_as_well_as_it_can(tmp_path):
    check_archive_size(write_archive(tmp_path / "a.keras", {"w": bytes(1_000_000)}))


def test_a_bomb_is_rejected_before_it_is_unpacked(tmp_path):
    bomb = write_archive(tmp_path / "a.keras", {"w": bytes(40_000_000)})
    assert bomb.stat().st_size < 50_000
    with pytest.raises(ValueError, match=r"a\.keras: 40000000 bytes unpacked are over the limit"):
        check_archive_size(bomb)


def test_too_many_files_are_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    path = write_archive(tmp_path / "a.keras", {str(number): "" for number in range(4)})
    with pytest.raises(ValueError, match=r"a\.keras: 4 files in it are over the limit, 3"):
        check_archive_size(path)


@pytest.mark.parametrize("kept", [0, 0.1, 0.5, 0.99])
def test_what_is_cut_off_is_rejected(tmp_path, kept):
    path = write_archive(tmp_path / "a.keras", {"w": bytes(range(256)) * 40})
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"a\.keras: not a model of this project, or damaged"):
        check_archive_size(path)
