"""Fakes made on the fly of a real face, by the methods of `forging/`.

A face is blended with itself, with another frame or with another person, gets another expression,
or is drawn anew. Where the landmarks of all faces that take part are known, masks follow them and
faces are laid on by them (`landmark_blending`); else masks are drawn within the face's box
(`self_blending`). Shapes: `S` side of a cut in px.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.config.schema import ForgingMethods
from deepfake_detector.data.loading.crop_index import (
    Crop,
    find_box_px,
    find_landmarks_px,
    read_crop,
)
from deepfake_detector.data.loading.other_people import OtherPeople
from deepfake_detector.faces.crops import cut_window, resize
from deepfake_detector.forging.expression_warp import warp_expression
from deepfake_detector.forging.landmark_blending import (
    LandmarkedFace,
    blend_by_landmarks,
    blend_under_mask,
    swap_by_landmarks,
)
from deepfake_detector.forging.resynthesis import resynthesize
from deepfake_detector.forging.self_blending import blend_with_itself

DRAWING_ORDER = (
    *("other_person", "other_frame", "self_blend"),
    *("matched_person", "expression_warp", "resynthesis"),
)
"""In which `draw_method` counts the fractions up: another order would draw other fakes."""

WHOLE_PICTURE_PROB = 0.6
"""Of a face drawn anew together with all around it, as an animated still is."""


@dataclass(frozen=True)
class CutFace:
    """A real face: `cut` [S, S, 3] shows the `window` [4] px of its crop's `picture`."""

    crop: Crop
    picture: np.ndarray
    window: np.ndarray
    cut: np.ndarray

    def to_cut(self, points_px: np.ndarray) -> np.ndarray:
        """Move points [N, 2] from px of the picture to px of the cut."""
        side = self.window[2] - self.window[0]
        return (points_px - self.window[:2]) * (len(self.cut) / side)


class FakeMaker:
    """Makes fakes of the real faces of sources."""

    def __init__(self, faces: list[list[Crop]], methods: ForgingMethods) -> None:
        """Take the real faces of each source, and how often each method is used."""
        self._faces, self._methods = faces, methods
        self._others = OtherPeople(faces)

    def make(
        self, source: int, face: CutFace, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Forge a face.

        Args:
            source: the number of the face's own source.

        Returns:
            The real face and its fake, each uint8 [S, S, 3], alike outside the forged part; both
            may be changed.
        """
        method = draw_method(self._methods, generator)
        own_px = find_landmarks_px(face.crop, face.picture)
        own = None if own_px is None else LandmarkedFace(face.cut, face.to_cut(own_px))
        if method == "resynthesis":
            return _draw_anew(face.cut, own, generator)
        if method == "expression_warp" and own is not None:
            warped = warp_expression(own.image, own.landmarks, generator)
            return blend_under_mask(own, warped, generator)
        partner = self._choose_partner(method, source, face.crop, generator)
        if own is None or (partner is not None and partner.landmarks is None):
            other = face.cut if partner is None else _cut_alike(partner, face)
            return blend_with_itself(face.cut, _find_box_in_cut(face), other, generator)
        if method == "matched_person" and partner is not None:
            return swap_by_landmarks(own, _read_face(partner), generator)
        return blend_by_landmarks(own, _read_face(partner), generator)

    def _choose_partner(self, method: str, source: int, crop: Crop, generator) -> Crop | None:
        """Choose the face that is laid on; None: a copy of the face itself is."""
        if method in ("other_person", "matched_person"):
            return self._others.choose(source, crop, generator)
        if method == "other_frame":
            frames = self._faces[source]
            return frames[int(generator.integers(len(frames)))]
        return None


def draw_method(methods: ForgingMethods, generator: np.random.Generator) -> str:
    """Draw the method that a face is forged by, a field of `ForgingMethods`."""
    number, total = generator.random(), 0.0
    for name in DRAWING_ORDER:
        total += getattr(methods, name)
        if number < total:
            return name
    return "self_blend"  # the fractions may end a rounding error short of 1


def _draw_anew(
    cut: np.ndarray, face: LandmarkedFace | None, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a picture anew, all of it or, where its landmarks are known, a part of the face."""
    drawn = resynthesize(cut, generator)
    if face is None or generator.random() < WHOLE_PICTURE_PROB:
        return cut, drawn
    return blend_under_mask(face, drawn, generator)


def _read_face(crop: Crop | None) -> LandmarkedFace | None:
    if crop is None:
        return None
    picture = read_crop(crop)
    return LandmarkedFace(picture, find_landmarks_px(crop, picture))


def _find_box_in_cut(face: CutFace) -> np.ndarray:
    box_px = find_box_px(face.crop, face.picture)
    return face.to_cut(box_px.reshape(2, 2)).ravel()


def _cut_alike(crop: Crop, face: CutFace) -> np.ndarray:
    """Cut another crop so that its face's box comes to lie where this face's is."""
    picture, box_px = read_crop(crop), find_box_px(face.crop, face.picture)
    other_box_px = find_box_px(crop, picture)
    scale_jitter = float(
        np.mean((other_box_px[2:] - other_box_px[:2]) / (box_px[2:] - box_px[:2]))
    )
    center, other_center = (np.tile((box[:2] + box[2:]) / 2, 2) for box in (box_px, other_box_px))
    window, side_px = other_center + (face.window - center) * scale_jitter, len(face.cut)
    return resize(cut_window(picture, window, side_px), side_px)
