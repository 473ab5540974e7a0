"""Pairs of a real face and a fake, for a network that looks at one face closely.

A pair shows the same face of the same frame, cut and worn down alike, wherever there is one: then
nothing but the forgery tells the two apart, neither the person nor the camera. The fake is a given
one, or is made on the fly from the real one (`made_fakes`). Shapes: `S` side of a crop in px.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from deepfake_detector.augmentation.degradations import degrade, mirror, sample_degradation
from deepfake_detector.common.labels import FAKE
from deepfake_detector.config.schema import FaceClassifierParams
from deepfake_detector.data.loading.crop_index import Crop, find_box_px, read_crop
from deepfake_detector.data.loading.made_fakes import CutFace, FakeMaker
from deepfake_detector.faces.crops import cut_window, jitter_window, make_window, resize


@dataclass(frozen=True)
class Source:
    """The real faces of the videos that share a source, at least one.

    `forged` has for each face of `real` the fakes made from it in the same frame; perhaps none.
    """

    real: list[Crop]
    forged: list[list[Crop]]


def group_crops(crops: list[Crop], sources: dict[str, str]) -> list[Source]:
    """Group crops by the source of their video, and find which fake was made from which face.

    A fake whose original is not there is in no source, as nothing could be shown beside it but
    another person.

    Raises:
        ValueError: there is no real face at all.
    """
    real, fake = defaultdict(list), defaultdict(list)
    for crop in crops:
        (fake if crop.label == FAKE else real)[sources[crop.video]].append(crop)
    if not real:
        raise ValueError("train: no real face in the train split; add videos of real faces")
    return [Source(real[name], _find_forged(real[name], fake[name])) for name in sorted(real)]


def list_unpaired(
    crops: list[Crop], sources: dict[str, str], grouped: list[Source]
) -> list[list[Crop]]:
    """List the given fakes that have no original among the real faces, by the source of each."""
    paired = {(f.path, f.position) for source in grouped for fakes in source.forged for f in fakes}
    unpaired = defaultdict(list)
    for crop in crops:
        if crop.label == FAKE and (crop.path, crop.position) not in paired:
            unpaired[sources[crop.video]].append(crop)
    return [unpaired[name] for name in sorted(unpaired)]


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

    def __init__(
        self,
        sources: list[Source],
        params: FaceClassifierParams,
        unpaired: Sequence[list[Crop]] = (),
    ):
        """Take the faces that pairs are made of.

        Args:
            sources: at least one.
            unpaired: of `list_unpaired`, used as often as `unpaired_fake_ratio` says.
        """
        self._sources, self._unpaired = sources, unpaired
        self._crop_px, self._crop_scale = params.crop_px, params.crop_scale
        self._params = params.pairs
        self._with_forged = [_list_forged(source) for source in sources]
        self._fakes = FakeMaker([source.real for source in sources], params.forging_methods)

    def make(self, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Make a real face and a fake, each uint8 [S, S, 3].

        Every source is as likely as any other, however long its videos.
        """
        generator = np.random.default_rng(seed)
        number = int(generator.integers(len(self._sources)))
        params = self._params
        if self._is_unpaired(generator):
            real, fake = self._make_unpaired(number, generator)
        elif self._with_forged[number] and generator.random() < params.dataset_fake_ratio:
            real, fake = self._make_given(number, generator)
        else:
            real, fake = self._make_forged(number, generator)
        if generator.random() < params.degradation_prob:
            for _ in range(draw_count(params.max_degradations, generator)):
                degradation = sample_degradation(generator)
                real, fake = degrade(real, degradation), degrade(fake, degradation)
        if generator.random() < 0.5:
            real, fake = mirror(real), mirror(fake)
        return resize(real, self._crop_px), resize(fake, self._crop_px)

    def _is_unpaired(self, generator: np.random.Generator) -> bool:
        """Draw whether the fake has no original; where there are none, nothing is drawn."""
        ratio = self._params.unpaired_fake_ratio
        return bool(self._unpaired and ratio) and generator.random() < ratio

    def _make_unpaired(self, number: int, generator) -> tuple[np.ndarray, np.ndarray]:
        """Cut a real face and a fake of somebody else, brought to one size.

        What else differs between their cameras and codecs can be learned in place of the forgery,
        so these are to be few.
        """
        real = self._cut(_choose(self._sources[number].real, generator), generator).cut
        fakes = self._unpaired[int(generator.integers(len(self._unpaired)))]
        fake = self._cut(_choose(fakes, generator), generator).cut
        side_px = max(1, round(min(len(real), len(fake)) * generator.uniform(0.4, 1)))
        size_px = (side_px, side_px)
        return (
            cv2.resize(real, size_px, interpolation=cv2.INTER_AREA),
            cv2.resize(fake, size_px, interpolation=cv2.INTER_AREA),
        )

    def _make_given(self, number: int, generator) -> tuple[np.ndarray, np.ndarray]:
        """Cut a face and a given fake made from it, the same part of the same frame."""
        source = self._sources[number]
        place = _choose(self._with_forged[number], generator)
        crop = source.real[place]
        face = self._cut(crop, generator)
        forged = _choose(source.forged[place], generator)
        picture = read_crop(forged)
        window = _find_same_window(face.window, (crop, face.picture), (forged, picture))
        return face.cut, cut_window(picture, window, self._crop_px)

    def _make_forged(self, number: int, generator) -> tuple[np.ndarray, np.ndarray]:
        face = self._cut(_choose(self._sources[number].real, generator), generator)
        return self._fakes.make(number, face, generator)

    def _sample_window(self, box_px: np.ndarray, generator) -> np.ndarray:
        """Draw the window around a box as inexact as a detector's boxes are."""
        window = make_window(box_px, self._crop_scale)
        return jitter_window(
            window, self._params.center_jitter, self._params.scale_jitter, generator
        )

    def _cut(self, crop: Crop, generator) -> CutFace:
        picture = read_crop(crop)
        window = self._sample_window(find_box_px(crop, picture), generator)
        return CutFace(crop, picture, window, cut_window(picture, window, self._crop_px))


def draw_count(most: int, generator: np.random.Generator) -> int:
    """Draw a number from 1 to `most`; where that is 1 nothing is drawn."""
    return 1 if most == 1 else int(generator.integers(1, most + 1))


def _list_forged(source: Source) -> list[int]:
    """List which faces of a source have a fake that was made from them."""
    return [place for place, fakes in enumerate(source.forged) if fakes]


def _find_same_window(
    window: np.ndarray, shown: tuple[Crop, np.ndarray], other: tuple[Crop, np.ndarray]
) -> np.ndarray:
    """Find the part of the frame that a window [4] px of a crop's picture shows in another's.

    The boxes of the two differ where each was annotated for itself.
    """
    offset, scale_jitter = _place_in_frame(*shown)
    other_offset, other_zoom = _place_in_frame(*other)
    return (window * np.tile(scale_jitter, 2) + np.tile(offset - other_offset, 2)) / np.tile(
        other_zoom, 2
    )


def _place_in_frame(crop: Crop, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give where a crop begins [2] and the size of its pixels [2], in fractions of the frame."""
    box_px = find_box_px(crop, picture)
    scale_jitter = (crop.frame_box[2:] - crop.frame_box[:2]) / (box_px[2:] - box_px[:2])
    return crop.frame_box[:2] - box_px[:2] * scale_jitter, scale_jitter


def _choose(items: list, generator: np.random.Generator):
    return items[int(generator.integers(len(items)))]
