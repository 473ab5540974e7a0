import cv2
import numpy as np
import pytest

from clips import write_clip
from deepfake_detector.video.perceptual_hash import distance, hash_frame, hash_video


def make_scene(seed: int, size_px=(160, 120)) -> np.ndarray:
    """Make a scene of soft shapes, as a filmed room has."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, size_px, interpolation=cv2.INTER_CUBIC)


SCENE, OTHER = make_scene(1), make_scene(2)


def test_distance_counts_bits():
    assert distance(0b1011, 0b0010) == 2
    assert distance(2**64 - 1, 0) == 64
    assert distance(7, 7) == 0


def test_hash_has_64_bits_of_which_half_are_set():
    """Half of the frequencies are above their median."""
    assert 0 <= hash_frame(SCENE) < 2**64
    assert hash_frame(SCENE).bit_count() == 32


@pytest.mark.parametrize("size_px", [(80, 60), (320, 240), (317, 243)])
def test_resized_and_recompressed_copies_are_near(size_px):
    small = cv2.resize(SCENE, size_px, interpolation=cv2.INTER_AREA)
    packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    assert distance(hash_frame(cv2.imdecode(packed, cv2.IMREAD_COLOR)), hash_frame(SCENE)) <= 4


def test_other_scenes_are_far():
    assert distance(hash_frame(SCENE), hash_frame(OTHER)) > 16


def test_copy_of_a_video_has_its_hashes(tmp_path):
    frames = [np.roll(SCENE, 2 * shift, axis=1) for shift in range(20)]
    clip = write_clip(tmp_path / "clip.mp4", frames)
    copy = write_clip(tmp_path / "copy.mp4", [cv2.resize(f, (128, 96)) for f in frames], fps=25)
    hashes, copied = hash_video(clip), hash_video(copy)
    assert len(hashes) == len(copied) == 8
    assert max(map(distance, hashes, copied)) <= 6
    assert distance(hashes[0], hashes[-1]) > 6  # it moves


def test_short_video_gives_each_frame_once(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [SCENE, OTHER, SCENE])
    assert len(hash_video(clip, n_frames=8)) == 3


def test_frames_without_contrast_are_left_out(tmp_path):
    black = np.zeros_like(SCENE)
    clip = write_clip(tmp_path / "clip.mp4", [black, SCENE, black, black])
    assert len(hash_video(clip, n_frames=4)) == 1
    assert hash_video(write_clip(tmp_path / "black.mp4", [black] * 4)) == []


def test_file_that_is_no_video_is_named(tmp_path):
    (tmp_path / "note.mp4").write_text("not a video")
    with pytest.raises(ValueError, match=r"note\.mp4"):
        hash_video(tmp_path / "note.mp4")
