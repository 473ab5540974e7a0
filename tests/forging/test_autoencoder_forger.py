"""A face redrawn by an autoencoder and pasted back, and the faces it is trained on."""

import numpy as np
import pytest

from deepfake_detector.faces.alignment import TEMPLATE, make_mask
from deepfake_detector.faces.offline_tracker import Track
from deepfake_detector.forging.aligned_faces import CUT_PX, FACE_PX
from deepfake_detector.forging.autoencoder_forger import (
    cut_faces,
    cut_track,
    make_autoencoder_swap,
)
from deepfake_detector.forging.video_forger import forge_frames

FACE = 60 * TEMPLATE + 30


def make_video(frames):
    generator = np.random.default_rng(0)
    images = generator.integers(120, 150, (frames, 120, 120, 3)).astype(np.uint8)
    track = Track(0, np.zeros((frames, 4)), np.stack([FACE] * frames), 1.0)
    return list(enumerate(images)), track


def draw_dark_mouth(cut):
    """Draw a plain face with a dark bar at the mouth, whatever is shown."""
    assert cut.shape == (CUT_PX, CUT_PX, 3)
    face = np.full((FACE_PX, FACE_PX, 3), 135, np.float32)
    face[72:84, 44:68] = 0
    return face


def test_what_is_drawn_is_pasted_under_the_mask_and_nothing_else_changes():
    frames, track = make_video(1)
    (forged,) = forge_frames(frames, track, make_autoencoder_swap(draw_dark_mouth, 0.12))
    image = frames[0][1]
    mask = make_mask(FACE, 120, 120, np.ones(8))
    np.testing.assert_array_equal(forged[~mask], image[~mask])
    mouth = FACE[3:].mean(axis=0).round().astype(int)
    patch = np.s_[mouth[1] - 1 : mouth[1] + 2, mouth[0] - 3 : mouth[0] + 4]
    assert forged[patch].mean() < image[patch].mean() - 15
    assert mask.sum() > 1000


def test_dark_lashes_of_the_target_are_covered():
    (_, image), *_ = make_video(1)[0]
    row, column = 30 + int(60 * 0.40), 30 + int(60 * 0.28)  # beside the left eye
    image[row - 2 : row + 3, column - 2 : column + 3] = 0
    forge = make_autoencoder_swap(lambda cut: np.full((FACE_PX, FACE_PX, 3), 135.0), 0.12)
    assert forge(image, FACE, 0)[row, column].mean() > 60


def test_network_is_shown_the_faces_that_it_was_trained_on():
    frames, track = make_video(30)
    seen = []

    def draw(cut):
        seen.append(cut)
        return draw_dark_mouth(cut)

    list(forge_frames(frames, track, make_autoencoder_swap(draw, 0.12)))
    np.testing.assert_array_equal(np.stack(seen), cut_track(frames, track, "anna.mp4"))


def test_long_track_is_cut_evenly():
    image = np.zeros((120, 120, 3), np.uint8)
    frames = [(number, image + number // 4) for number in range(1002)]
    track = Track(1, np.zeros((901, 4)), np.stack([FACE] * 901), 1.0)
    cuts = cut_track(frames, track, "anna.mp4")
    assert [cut[60, 60, 0] for cut in cuts] == [(1 + 4 * place) // 4 for place in range(226)]


@pytest.mark.parametrize("whole", [0, 29])
def test_too_few_whole_faces_are_an_error_that_counts_them(whole):
    image = np.zeros((120, 120, 3), np.uint8)
    pictures = [(image, FACE)] * whole + [(image, FACE - 60)] * 5
    expected = rf"bert\.mp4: expected at least 30 frames .* found {whole} of {whole + 5}; take"
    with pytest.raises(ValueError, match=expected):
        cut_faces(pictures, "bert.mp4")
    if whole:
        assert len(cut_faces([(image, FACE), *pictures], "bert.mp4")) == whole + 1
