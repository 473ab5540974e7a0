"""Pairs of a real face and a fake, for a network that looks at one face closely.

A pair shows the same face of the same frame, cut and worn down alike, wherever there is one: then
nothing but the forgery tells the two apart, neither the person nor the camera. The fake is a given
one, or is made on the fly from the real one (`self_blending`). Shapes: `S` side of a crop in px.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from deepfake_detector.augmentation.degradations import degrade, mirror, sample_degradation
from deepfake_detector.common.labels import FAKE
from deepfake_detector.config.schema import PairParams
from deepfake_detector.data.loading.crop_index import Crop, find_box_px, read_crop
from deepfake_detector.faces.crops import cut_window, jitter_window, make_window, resize
from deepfake_detector.forging.self_blending import blend_with_itself


@dataclass(frozen=True)
class Source:
    """The faces of the videos that share a source: an original and the fakes made from it.

    `forged` has for each face of `real` the fakes made from it in the same frame.
    """

    real: list[Crop]
    fake: list[Crop]
    forged: list[list[Crop]]


def group_crops(crops: list[Crop], sources: dict[str, str]) -> list[Source]:
    """Group crops by the source of their video, and find which fake was made from which face.

    Raises:
        ValueError: there is no real face at all.
    """
    real, fake = defaultdict(list), defaultdict(list)
    for crop in crops:
        (fake if crop.label == FAKE else real)[sources[crop.video]].append(crop)
    if not real:
        raise ValueError("train: no real face in the train split; add videos of real faces")
    names = sorted(real.keys() | fake.keys())
    return [Source(real[n], fake[n], _find_forged(real[n], fake[n])) for n in names]


def _find_forged(real: list[Crop], fake: list[Crop]) -> list[list[Crop]]:
    by_frame = defaultdict(list)
    for crop in fake:
        by_frame[crop.frame].append(crop)
    return [[f for f in by_frame[crop.frame] if _is_same_place(crop, f)] for crop in real]


def _is_same_place(crop: Crop, other: Crop) -> bool:
    """Tell whether the middle of each face is inside the other's box."""
    boxes = np.stack([crop.frame_box, other.frame_box])  # [2, 4]
    centers = (boxes[:, :2] + boxes[:, 2:])[::-1] / 2  # [2, 2], each the other's
    return bool(np.all((centers > boxes[:, :2]) & (centers < boxes[:, 2:])))


class FacePairSampler:
    """Makes pairs, each from a seed of its own: the same seed gives the same pair."""

    def __init__(self, sources: list[Source], crop_px: int, crop_scale: float, params: PairParams):
        self._sources, self._crop_px, self._reach = sources, crop_px, crop_scale
        self._params = params
        self._with_real = [source for source in sources if source.real]

    def make(self, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Make a real face and a fake, each uint8 [S, S, 3].

        Every source is as likely as any other, however long its videos.
        """
        generator = np.random.default_rng(seed)
        source = _choose(self._sources, generator)
        if source.real:
            real, fake = self._pair_up(source, generator)
        else:  # fakes whose original is not there
            other = _choose(self._with_real, generator)
            real = self._cut(_choose(other.real, generator), generator)
            fake = self._cut(_choose(source.fake, generator), generator)
        if generator.random() < self._params.degradation_prob:
            degradation = sample_degradation(generator)
            real, fake = degrade(real, degradation), degrade(fake, degradation)
        if generator.random() < 0.5:
            real, fake = mirror(real), mirror(fake)
        return resize(real, self._crop_px), resize(fake, self._crop_px)

    def _pair_up(self, source: Source, generator) -> tuple[np.ndarray, np.ndarray]:
        number = int(generator.integers(len(source.real)))
        crop = source.real[number]
        picture = read_crop(crop)
        box_px = find_box_px(crop, picture)
        window = self._sample_window(box_px, generator)
        real = cut_window(picture, window, self._crop_px)
        if source.fake and generator.random() < self._params.dataset_fake_ratio:
            if source.forged[number]:
                same_face = read_crop(_choose(source.forged[number], generator))
                if same_face.shape == picture.shape:
                    return real, cut_window(same_face, window, self._crop_px)
            return real, self._cut(_choose(source.fake, generator), generator)
        scale_jitter = len(real) / (window[2] - window[0])
        other = real
        if generator.random() < self._params.cross_frame_prob:
            other = self._cut_alike(_choose(source.real, generator), box_px, window, len(real))
        return blend_with_itself(
            real, (box_px - np.tile(window[:2], 2)) * scale_jitter, other, generator
        )

    def _sample_window(self, box_px: np.ndarray, generator) -> np.ndarray:
        """Draw the window around a box as inexact as a detector's boxes are."""
        window = make_window(box_px, self._reach)
        return jitter_window(
            window, self._params.center_jitter, self._params.scale_jitter, generator
        )

    def _cut(self, crop: Crop, generator) -> np.ndarray:
        picture = read_crop(crop)
        window = self._sample_window(find_box_px(crop, picture), generator)
        return cut_window(picture, window, self._crop_px)

    def _cut_alike(self, crop: Crop, box_px, window, size_px: int) -> np.ndarray:
        """Cut another crop so that its face's box comes to lie where this one's is."""
        picture = read_crop(crop)
        other_box_px = find_box_px(crop, picture)
        scale_jitter = float(
            np.mean((other_box_px[2:] - other_box_px[:2]) / (box_px[2:] - box_px[:2]))
        )
        center, other_center = (
            np.tile((box[:2] + box[2:]) / 2, 2) for box in (box_px, other_box_px)
        )
        other_window = other_center + (window - center) * scale_jitter
        return resize(cut_window(picture, other_window, size_px), size_px)


def _choose(items: list, generator: np.random.Generator):
    return items[int(generator.integers(len(items)))]
