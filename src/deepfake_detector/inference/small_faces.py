"""Small faces of large frames, looked for in tiles.

The SSD sees a frame at 300 x 300 px, in which a face of 60 px of a frame of 1080 lines is a speck.
A search of all of a frame's tiles is rare and coarse: what it takes for a face, however unsurely,
is looked at again in a tile of its own, and so are faces that are known, in later frames. Beside a
face that the whole frame shows, a small one counts once a second look has seen it.
Shapes: `N` faces, `K` known ones.
"""

from dataclasses import dataclass

import numpy as np

from deepfake_detector.common.boxes import BOX
from deepfake_detector.common.labels import FACE_LABELS
from deepfake_detector.faces.box_linking import interpolate_steady, link_boxes
from deepfake_detector.inference.detector import (
    FACE_COLUMNS,
    MAX_SKIPPED_FRAMES,
    Detector,
    find_boxes,
)
from deepfake_detector.inference.tiles import (
    MAX_FACE,
    choose_tiles,
    is_cut,
    is_same_face,
    measure_sides,
    merge_boxes,
    surround_faces,
)
from deepfake_detector.video.frame_reader import Frame

LEVELS = (0, 1)
"""Coarse and fine tiles."""

MIN_CANDIDATE_SCORE, MAX_CANDIDATES = 0.05, 16
"""What a search takes for a face, real and fake together, and how many, the surest ones."""

SEARCH_SECONDS = (4.0, 16.0)
"""From one search to the next: at first, and at most, which it is where faces are known."""

PLACES_A_LOOK = 3
"""Of so many frames one is looked at, and those between where a face comes, goes or moves."""

MAX_KNOWN, MAX_MISSES = 16, 3
"""Faces that are followed at once, and looks in a row that may miss one before it is forgotten."""

MIN_BESIDE_PX = 1280
"""Longer side of frames that are searched beside a large face: in smaller ones the whole frame
shows most faces that are large enough for an answer."""

TILES_AT_ONCE = 8

NO_FACES = np.zeros((0, len(FACE_COLUMNS)))


_Seen = tuple[int, np.ndarray]
"""The number of a frame, and its small faces [N, 6]."""


@dataclass
class _Clock:
    """When a search is due."""

    searched: float = -np.inf
    gap: float = SEARCH_SECONDS[0] / 2

    def is_due(self, seconds: float) -> bool:
        return seconds >= self.searched + self.gap

    def restart(self, seconds: float, knows_faces: bool) -> None:
        longest = SEARCH_SECONDS[1]
        self.searched, self.gap = seconds, longest if knows_faces else min(2 * self.gap, longest)


class SmallFaceSearch:
    """Searches the frames of one video, in order."""

    def __init__(self, detector: Detector, min_face_score: float):
        """Find faces of `min_face_score` or more, of real and fake together."""
        self._detector, self._min_face_score = detector, min_face_score
        self._known_px, self._misses = NO_FACES[:, :4], np.zeros(0, int)  # [K, 4], [K]
        self._alone, self._beside = _Clock(), _Clock()
        self._last: _Seen = (-1 - MAX_SKIPPED_FRAMES, NO_FACES)

    def find(self, frames: list[Frame], shown: list[np.ndarray]) -> list[np.ndarray]:
        """Find the small faces of neighboring frames.

        Args:
            shown: of each frame the faces that it shows as a whole: boxes in px [M, 4].

        Returns:
            For each frame `FACE_COLUMNS` [N, 6], boxes in px, others than those shown.
        """
        found: list[np.ndarray] = []
        while len(found) < len(frames):
            places = range(len(found), min(len(found) + PLACES_A_LOOK, len(frames)))
            before, last = self._last, frames[places[-1]]
            self._last = (last.number, self._find_in(last, shown[places[-1]]))
            for place in places[:-1]:
                rows = self._find_between(frames[place], before, self._last)
                found.append(_drop_shown(rows, shown[place]))
            found.append(self._last[1])
        return found

    def _find_between(self, frame: Frame, before: _Seen, after: _Seen) -> np.ndarray:
        """Interpolate the faces [N, 6] of a frame between two, or look at it where they move."""
        sides, n_frames = (before[1], after[1]), after[0] - before[0]
        if n_frames <= MAX_SKIPPED_FRAMES:
            is_sure = tuple(np.ones(len(side), bool) for side in sides)
            between = interpolate_steady(*sides, is_sure, (frame.number - before[0]) / n_frames)
            if between is not None:
                return between
        return self._look_closely(frame.image, np.concatenate(sides)[:, :4])

    def _find_in(self, frame: Frame, shown_px: np.ndarray) -> np.ndarray:
        """Look for the known faces of a frame, and for others where a search is due."""
        found = _drop_shown(self._look_closely(frame.image, self._known_px), shown_px)
        known = found
        clock = self._beside if len(shown_px) else self._alone
        is_large = max(frame.image.shape[:2]) >= MIN_BESIDE_PX
        if clock.is_due(frame.seconds) and (is_large or not len(shown_px)):
            candidates = _drop_shown(self._search(frame.image), shown_px)
            known = self._look_closely(frame.image, candidates[:MAX_CANDIDATES, :4])
            known = _merge(np.concatenate([found, _drop_shown(known, shown_px)]))
            clock.restart(frame.seconds, len(known) + len(shown_px) > 0)
        self._remember(known)
        return found if len(shown_px) else known

    def _remember(self, found: np.ndarray) -> None:
        """Know the faces [N, 6], and for a while those that are not among them."""
        links = link_boxes(list(self._known_px), found[:, :4])
        missed = [row for row in range(len(self._known_px)) if row not in links]
        missed = [row for row in missed if self._misses[row] < MAX_MISSES]
        known = np.concatenate([found[:, :4], self._known_px[missed]])
        misses = np.concatenate([np.zeros(len(found), int), self._misses[missed] + 1])
        if len(self._known_px) and not len(known):
            self._alone.gap = SEARCH_SECONDS[0]
        self._known_px, self._misses = known[:MAX_KNOWN], misses[:MAX_KNOWN]

    def _search(self, image: np.ndarray) -> np.ndarray:
        """Find what may be a face [N, 6] in any tile, the likeliest first."""
        size_px = image.shape[1::-1]
        faces = [self._look(image, choose_tiles(*size_px, level))[0] for level in LEVELS]
        faces = np.concatenate(faces)
        return _merge(faces[faces[:, 4:].sum(axis=1) >= MIN_CANDIDATE_SCORE])

    def _look_closely(self, image: np.ndarray, boxes_px: np.ndarray) -> np.ndarray:
        """Find what surely is a face [N, 6] around boxes [K, 4], each once, the surest first."""
        size_px = image.shape[1::-1]
        faces, tiles = self._look(image, surround_faces(boxes_px, size_px))
        is_sure = faces[:, 4:].sum(axis=1) >= self._min_face_score
        return _merge(faces[is_sure & ~is_cut(faces[:, :4], tiles, size_px)])

    def _look(self, image: np.ndarray, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Detect small faces [N, 6] in tiles [T, 4]; return them and the tile of each [N, 4]."""
        rows, own = [NO_FACES], [np.zeros((0, 4), int)]
        for start in range(0, len(tiles), TILES_AT_ONCE):
            some = tiles[start : start + TILES_AT_ONCE]
            cuts = [image[top:bottom, left:right] for left, top, right, bottom in some]
            faces = find_boxes(self._detector, cuts)
            own.append(some[faces["image"]])
            boxes_px = faces[BOX].to_numpy() + np.tile(own[-1][:, :2], 2)
            rows.append(np.column_stack([boxes_px, faces[list(FACE_LABELS)].to_numpy()]))
        faces, own = np.concatenate(rows), np.concatenate(own)  # [N, 6], [N, 4]
        is_small = measure_sides(faces[:, :4]) <= MAX_FACE * measure_sides(own)
        return faces[is_small], own[is_small]


def _merge(faces: np.ndarray) -> np.ndarray:
    """Keep each of the faces [N, 6] once, the surest first."""
    return faces[merge_boxes(faces[:, :4], faces[:, 4:].sum(axis=1))]


def _drop_shown(faces: np.ndarray, shown_px: np.ndarray) -> np.ndarray:
    """Drop those faces [N, 6] that the whole frame shows [M, 4]."""
    return faces[[not is_same_face(face[:4], shown_px).any() for face in faces]]
