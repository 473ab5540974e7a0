"""Who decodes a file: this process, or, where a stranger sent it, one of its own with limits.

`Decoder` decodes here; `isolated_decoder.IsolatedDecoder` has the same methods.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake_detector.video import decoding, images, packets


class Decoder:
    """Decodes videos and images in this process."""

    def read_image(self, path: Path) -> np.ndarray:
        """Read an image as `images.read_image` does."""
        return images.read_image(path)

    def decode_image(self, content: bytes, path: Path) -> np.ndarray:
        """Decode an image as `images.decode_foreign_image` does."""
        return images.decode_foreign_image(content, path)

    def scan_packets(self, path: Path) -> packets.PacketScan:
        """Read the packets of a video as `packets.scan_packets` does."""
        return packets.scan_packets(path)

    def decode_frames(self, path: Path) -> Iterator[decoding.DecodedFrame]:
        """Yield all frames of a video, and raise, as `decoding.decode_frames` does."""
        return decoding.decode_frames(path, threads=0)
