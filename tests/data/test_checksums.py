import numpy as np
import pytest

from deepfake_detector.data.checksums import compute_crc32c


@pytest.mark.parametrize(
    ("content", "expected"),
    [  # RFC 3720, appendix B.4, and the usual check value
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_published_values_are_met(content, expected):
    assert compute_crc32c(content) == expected


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 2047, 2048, 2049, 70_001])
def test_lanes_give_what_bit_by_bit_gives(length):
    content = np.random.default_rng(length).integers(0, 256, length, dtype=np.uint8).tobytes()
    state = 0xFFFFFFFF
    for byte in content:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    assert compute_crc32c(content) == state ^ 0xFFFFFFFF
