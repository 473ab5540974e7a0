import hashlib

import pytest

from deepfake_detector.export.folders import replace_folder, write_checksums


def test_a_folder_appears_when_it_is_complete(tmp_path):
    out = tmp_path / "export"
    with replace_folder(out) as folder:
        (folder / "a.txt").write_text("new")
        assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert (out / "a.txt").read_text() == "new"


def test_what_was_there_goes_and_stays_where_something_fails(tmp_path):
    out = tmp_path / "export"
    out.mkdir()
    (out / "old.txt").write_text("old")
    with pytest.raises(ValueError, match="stop"), replace_folder(out) as folder:
        (folder / "a.txt").write_text("new")
        raise ValueError("stop")
    assert [path.name for path in tmp_path.rglob("*")] == ["export", "old.txt"]
    with replace_folder(out) as folder:
        (folder / "a.txt").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["export", "a.txt"]


def test_checksums_name_every_file_below_the_folder(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "b.txt").write_text("b")
    (tmp_path / "a.txt").write_text("a")
    write_checksums(tmp_path)
    a, b = (hashlib.sha256(text).hexdigest() for text in (b"a", b"b"))
    assert (tmp_path / "SHA256SUMS").read_text() == f"{a}  a.txt\n{b}  inside/b.txt\n"
