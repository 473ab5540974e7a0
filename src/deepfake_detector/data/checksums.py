"""CRC-32C (Castagnoli), the checksum of TFRecord files, in NumPy.

Here so that shards are written without importing TensorFlow in every worker process (8-20 s and
0.5 GB each). A CRC is linear over bits: the content is cut into lanes of equal length, all lanes
advance together two bytes at a time, and neighbours are joined by shifting the left one over the
length of the right one. RFC 3720, appendix B.4 has test values.
"""

from functools import cache

import numpy as np

_POLYNOMIAL = 0x82F63B78  # reversed, RFC 3720, section 12.1
_LANES = 1024


def compute_crc32c(content: bytes) -> int:
    """Compute the CRC-32C of bytes; 0 for none."""
    if len(content) < 4:
        return _continue_bytewise(0xFFFFFFFF, content) ^ 0xFFFFFFFF
    lane_bytes = 2
    while lane_bytes * _LANES < len(content):
        lane_bytes *= 2
    padded = np.zeros(lane_bytes * _LANES, np.uint8)  # zeros in front leave a CRC of 0 as it is
    padded[-len(content) :] = np.frombuffer(content, np.uint8)
    start = len(padded) - len(content)
    padded[start : start + 4] ^= 0xFF  # the same as starting with 0xFFFFFFFF
    pairs = padded.view("<u2").reshape(_LANES, -1).T.astype(np.uint32)  # [pairs, lanes]
    table, lanes = _pair_table(), np.zeros(_LANES, np.uint32)
    for pair in pairs:
        lanes = table[(lanes ^ pair) & 0xFFFF] ^ (lanes >> 16)
    while len(lanes) > 1:
        lanes = _shift(lanes[0::2], lane_bytes) ^ lanes[1::2]
        lane_bytes *= 2
    return int(lanes[0]) ^ 0xFFFFFFFF


@cache
def _byte_table() -> np.ndarray:
    """Give what each byte in the lowest place becomes after 8 steps: uint32 [256]."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> 1) ^ np.where(table & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    return table


@cache
def _pair_table() -> np.ndarray:
    """Give what each two bytes in the lowest places become after 16 steps: uint32 [65536]."""
    pairs = np.arange(65536, dtype=np.uint32)
    first = _byte_table()[pairs & 0xFF] ^ (pairs >> 8)
    return _byte_table()[first & 0xFF] ^ (first >> 8)


@cache
def _shift_table(zero_bytes: int) -> np.ndarray:
    """Give what each byte, in each of 4 places, becomes after so many zero bytes: [4, 256]."""
    if zero_bytes == 1:
        states = np.arange(256, dtype=np.uint32) << (8 * np.arange(4, dtype=np.uint32)[:, None])
        return _byte_table()[states & 0xFF] ^ (states >> 8)
    return _shift(_shift_table(zero_bytes // 2), zero_bytes // 2)


def _shift(states: np.ndarray, zero_bytes: int) -> np.ndarray:
    """Advance states over zero bytes, a power of two of them."""
    table = _shift_table(zero_bytes)
    low = table[0][states & 0xFF] ^ table[1][(states >> 8) & 0xFF]
    return low ^ table[2][(states >> 16) & 0xFF] ^ table[3][states >> 24]


def _continue_bytewise(state: int, content: bytes) -> int:
    for byte in content:
        state = int(_byte_table()[(state ^ byte) & 0xFF]) ^ (state >> 8)
    return state
