import hashlib
import os
import re

import pytest

from deepfake_detector.common.files import (
    UNFINISHED_PREFIX,
    hash_file,
    replace_file,
    write_bytes,
    write_json,
    write_text,
)


def test_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "new/table.csv"
    with replace_file(path) as unfinished:
        unfinished.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert [file.name for file in path.parent.iterdir()] == ["table.csv"]


def test_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), replace_file(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_temporary_name_is_hidden_unique_to_the_process_and_has_the_same_ending(tmp_path):
    with replace_file(tmp_path / "model.keras") as unfinished:
        unfinished.write_text("")
        assert unfinished.parent == tmp_path
        assert re.fullmatch(
            rf"{UNFINISHED_PREFIX}[0-9a-f]{{8}}_{os.getpid()}_model\.keras", unfinished.name
        )
    assert UNFINISHED_PREFIX.startswith(".")


def test_text_is_utf8_with_its_own_line_ends(tmp_path):
    write_text("Straße\n", tmp_path / "text.txt")
    assert (tmp_path / "text.txt").read_bytes() == b"Stra\xc3\x9fe\n"


def test_json_ends_with_a_line_end(tmp_path):
    write_json({"ß": [1]}, tmp_path / "values.json")
    assert (tmp_path / "values.json").read_text() == '{\n "ß": [\n  1\n ]\n}\n'


@pytest.mark.parametrize("content", [b"", b"deepfake" * 100_000])
def test_hash_is_the_sha256_of_the_content(content, tmp_path):
    write_bytes(content, tmp_path / "file")
    assert hash_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
