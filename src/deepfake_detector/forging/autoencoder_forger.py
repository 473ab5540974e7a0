"""Forge one face through a whole video by an autoencoder that is trained on it and on its donor.

What a donor's decoder draws of the target's face is pasted back as a face swap is: under the mask
of the face, with a soft seam and the light of the picture. The network is in `swap_autoencoder`.
"""

from collections.abc import Callable, Iterable

import numpy as np

from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.forging.aligned_faces import cut_face, is_whole, lay_back
from deepfake_detector.forging.face_forger import paste_face
from deepfake_detector.forging.video_forger import MAX_DONOR_FRAMES, Forger

MIN_FACES = 30  # a second of video: with fewer, a decoder draws the same face whatever it is told
_CORE_SIZE = 0.92  # of the mask: with the lashes, which are no skin, or both people's would show


def make_autoencoder_swap(draw: Callable[[np.ndarray], np.ndarray], feather: float) -> Forger:
    """Make the forger that has a face drawn as the donor's, and pastes what is drawn.

    Args:
        draw: from a face uint8 [P, P, 3] to [S, S, 3] in gray levels.
    """

    def forge(image: np.ndarray, landmarks: np.ndarray, place: int) -> np.ndarray:
        drawn = draw(cut_face(image, landmarks))
        face = lay_back(drawn, landmarks, *image.shape[:2])
        return paste_face(image, landmarks, face, feather, _CORE_SIZE)

    return forge


def cut_track(frames: Iterable[tuple[int, np.ndarray]], track: Track, name: str) -> np.ndarray:
    """Cut out the face of a track in up to `MAX_DONOR_FRAMES` frames, evenly spaced.

    Args:
        frames: all frames of the video, numbered from 0.
        name: of the video, for the error.

    Returns:
        uint8 [N, P, P, 3].

    Raises:
        ValueError: the face is whole in fewer than `MIN_FACES` of them.
    """
    stride = -(-len(track) // MAX_DONOR_FRAMES)
    places = ((number - track.first_frame, image) for number, image in frames)
    return cut_faces(
        (
            (image, track.landmarks_px[place])
            for place, image in places
            if 0 <= place < len(track) and place % stride == 0
        ),
        name,
    )


def cut_faces(pictures: Iterable[tuple[np.ndarray, np.ndarray]], name: str) -> np.ndarray:
    """Cut out the faces of one person, from pictures [H, W, 3] and landmarks [5, 2].

    Args:
        name: of the file they are of, for the error.

    Returns:
        uint8 [N, P, P, 3], of the pictures in which all of the face is.

    Raises:
        ValueError: there are fewer than `MIN_FACES`.
    """
    seen, cuts = 0, []
    for image, landmarks in pictures:
        seen += 1
        if is_whole(image, landmarks):
            cuts.append(cut_face(image, landmarks))
    if len(cuts) < MIN_FACES:
        raise ValueError(
            f"{name}: expected at least {MIN_FACES} frames with all of the face in the picture, "
            f"to learn it from, found {len(cuts)} of {seen}; take a longer video, or --method swap"
        )
    return np.stack(cuts)
