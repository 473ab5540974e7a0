"""Whose face is laid onto a face: the best fitting of some random faces of other people.

Only what a fit is measured by is kept in memory, 128 bytes a face.
"""

from collections.abc import Sequence

import numpy as np

from deepfake_detector.data.loading.crop_index import Crop
from deepfake_detector.forging.landmark_blending import find_best_fit, make_stable_shape

N_CANDIDATES = 12


class OtherPeople:
    """The real faces of all sources whose landmarks are known."""

    def __init__(self, faces: Sequence[list[Crop]]) -> None:
        """Measure the faces.

        Args:
            faces: the real faces of each source; those without landmarks are passed over.
        """
        known = [[crop for crop in crops if crop.landmarks is not None] for crops in faces]
        self._crops = known
        self._shapes = [[measure_shape(crop) for crop in crops] for crops in known]
        self._filled = [number for number, crops in enumerate(known) if crops]

    def choose(self, source: int, crop: Crop, generator: np.random.Generator) -> Crop | None:
        """Choose the best fitting of `N_CANDIDATES` faces of other sources.

        Every source is as likely as any other, however long its videos.

        Args:
            source: the number of the crop's own source, from 0.
            crop: of the face that another is wanted for.

        Returns:
            None where the crop's landmarks are not known or there is no other source's face.
        """
        others = [number for number in self._filled if number != source]
        if not others or crop.landmarks is None:
            return None
        sources = generator.choice(others, N_CANDIDATES)
        drawn = [(n, int(generator.integers(len(self._crops[n])))) for n in sources]
        shapes = np.stack([self._shapes[n][place] for n, place in drawn])  # [K, 8, 2]
        best, place = drawn[find_best_fit(measure_shape(crop), shapes)]
        return self._crops[best][place]


def measure_shape(crop: Crop) -> np.ndarray:
    """Measure the stable shape [8, 2] of a face whose landmarks are known."""
    return make_stable_shape(crop.landmarks.astype(float) * [crop.aspect, 1.0])
