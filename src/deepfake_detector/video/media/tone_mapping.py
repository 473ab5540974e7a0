"""HDR frames (PQ, HLG) as the SDR that everything else here is: what a player without HDR shows.

FFmpeg's filter `zscale` is not in PyAV's wheels, hence NumPy. Curves: SMPTE ST 2084 (PQ), ITU-R
BT.2100 (HLG); primaries BT.2020 to BT.709 (ITU-R BT.2087); tones by Hable's curve, with the
constants of FFmpeg's filter `tonemap=hable`.
"""

from functools import cache

import av
import cv2
import numpy as np

TRANSFERS = {16: "pq", 18: "hlg"}
"""Names of HDR transfer characteristics by their code (ITU-T H.273, table 3)."""

_SDR_WHITE = 100.0  # cd/m2, as in vf_tonemap; the reference white of HDR (BT.2408) is twice this
_PEAK = 1000.0 / _SDR_WHITE  # what most HDR is mastered for, over the white of SDR
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)  # BT.2087, rounded there
_LEVELS = 1 << 12  # of the tables; more than the 10 bits of a file


def name_transfer(color_transfer: int | None) -> str:
    """Return `pq` or `hlg` for an HDR transfer, empty for any other."""
    return TRANSFERS.get(int(color_transfer or 0), "")


def map_tones(frame: av.VideoFrame, transfer: str) -> np.ndarray:
    """Map an HDR frame to SDR: uint8 RGB [H, W, 3].

    Args:
        transfer: `pq` or `hlg`.
    """
    coded = frame.to_ndarray(format="rgb48le")  # [H, W, 3], R'G'B' of BT.2020
    linear = _make_linear_table(transfer)[coded >> 4]  # [H, W, 3], 1 is the white of SDR
    linear = cv2.transform(linear, _BT2020_TO_BT709)
    brightest = np.maximum(linear.max(axis=-1, keepdims=True), 1e-6)  # [H, W, 1]
    linear *= _hable(brightest) / (_hable(np.float32(_PEAK)) * brightest)
    return _make_gamma_table()[(np.clip(linear, 0, 1) * (_LEVELS - 1)).astype(np.uint16)]


@cache
def _make_linear_table(transfer: str) -> np.ndarray:
    """Make float32 [4096]: linear light, 1 is the white of SDR, for each coded level."""
    coded = np.linspace(0, 1, _LEVELS)
    light = _decode_pq(coded) if transfer == "pq" else _decode_hlg(coded)
    return light.astype(np.float32)


def _decode_pq(coded: np.ndarray) -> np.ndarray:
    m1, m2 = 2610 / 16384, 2523 / 32
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    root = coded ** (1 / m2)
    return 10000 / _SDR_WHITE * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def _decode_hlg(coded: np.ndarray) -> np.ndarray:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
    return _PEAK * scene**1.2  # 1.2: system gamma of a display of 1000 cd/m2


def _hable(light: np.ndarray) -> np.ndarray:
    """Uncharted 2's curve (Hable 2010), with the constants of FFmpeg's vf_tonemap."""
    a, b, c, d, e, f = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    return (light * (light * a + b * c) + d * e) / (light * (light * a + b) + d * f) - e / f


@cache
def _make_gamma_table() -> np.ndarray:
    """Make uint8 [4096]: BT.709 as displays show it (gamma 2.2) for each linear level."""
    linear = np.linspace(0, 1, _LEVELS)
    return np.rint(255 * linear ** (1 / 2.2)).astype(np.uint8)
