"""A hundred damaged copies of each export: read or rejected, and nothing else."""

import random
import time

import pytest
from benchmarks.mutate_annotations import EXPORTS, MAX_SECONDS, NAMES, read_mutated


@pytest.mark.parametrize("name", NAMES)
def test_damaged_export_is_read_or_rejected(name, tmp_path):
    started, outcomes = time.monotonic(), set()
    for number in range(100):
        generator = random.Random(f"tests {name} {number}")
        outcomes.add(read_mutated(EXPORTS / name, tmp_path / "a", generator))
    assert "rejected whole" in outcomes
    assert len(outcomes) > 1
    assert time.monotonic() - started < 100 * MAX_SECONDS
