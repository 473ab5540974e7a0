import random

import pytest
from benchmarks.mutate_media import FaultError, Kind, damage_bytes, run_campaign, try_one

from benchmarks import mutate_media


def test_damaged_files_are_read_or_rejected_by_name(tmp_path):
    outcomes, faults = run_campaign(tmp_path, count=100, seed=5000)
    assert faults == []
    assert sum(sum(counts.values()) for counts in outcomes.values()) == 100
    assert all(counts["rejected"] for counts in outcomes.values())
    assert outcomes["video"]["read"] or outcomes["image"]["read"]


def fail(path):
    raise IndexError("list index out of range")


def reject_without_a_name(path):
    raise ValueError("damaged")


@pytest.mark.parametrize(
    ("read", "message"),
    [(fail, "IndexError"), (reject_without_a_name, "a rejection that does not name it")],
)
def test_what_is_neither_read_nor_rejected_is_a_fault(tmp_path, read, message):
    with pytest.raises(FaultError, match=message):
        try_one(Kind({"a.mp4": b"content"}, damage_bytes, read), 0, tmp_path)


def test_what_takes_too_long_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(mutate_media, "MAX_SECONDS", -1)
    with pytest.raises(FaultError, match="took"):
        try_one(Kind({"a.mp4": b"content"}, damage_bytes, bytes), 0, tmp_path)


def test_the_same_seed_damages_alike():
    damaged = [damage_bytes(bytes(range(256)), random.Random(7)) for _ in range(2)]
    assert damaged[0] == damaged[1]
