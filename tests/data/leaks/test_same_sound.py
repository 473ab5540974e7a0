import numpy as np
import pytest
from tests.data.leaks.sound_clips import RATE, make_melody, make_tone, write_sound_clip

from deepfake_detector.data.leaks.same_sound import find_same_sound
from deepfake_detector.video.soundtrack import fingerprint_samples, fingerprint_sound

SPLITS = ["train", "test"]


def pairs(one, other, splits=SPLITS):
    found = find_same_sound([fingerprint_samples(one), fingerprint_samples(other)], splits)
    return [(pair.one, pair.other) for pair in found]


def test_the_same_melody_and_a_part_of_it_are_one_soundtrack():
    melody = make_melody(1, 8)
    assert pairs(melody, melody) == [(0, 1)]
    assert pairs(melody, melody[3 * RATE : 6 * RATE]) == [(0, 1)]
    assert pairs(0.3 * melody, melody) == [(0, 1)]


def test_another_melody_is_another_soundtrack():
    assert pairs(make_melody(1, 8), make_melody(2, 8)) == []


def test_a_steady_tone_is_known_by_its_pitch():
    assert pairs(make_tone(440, 4), make_tone(440, 5)) == [(0, 1)]
    assert pairs(make_tone(440, 4), make_tone(900, 4)) == []


def test_silence_and_short_sounds_are_shared_by_none():
    silence = np.zeros(8 * RATE)
    assert pairs(silence, silence) == []
    assert pairs(make_melody(1, 1), make_melody(1, 1)) == []
    assert len(fingerprint_samples(np.zeros(10))) == 0


def test_videos_of_one_split_may_share_their_sound():
    melody = make_melody(1, 4)
    assert pairs(melody, melody, ["train", "train"]) == []


@pytest.mark.parametrize("bit_rate", [32_000, 128_000])
def test_soundtrack_survives_another_encoding(tmp_path, bit_rate):
    melody = make_melody(1, 6)
    one = write_sound_clip(tmp_path / "one.mp4", melody, 128_000)
    other = write_sound_clip(tmp_path / "other.mp4", melody[2 * RATE :], bit_rate)
    sounds = [fingerprint_sound(one), fingerprint_sound(other)]
    (pair,) = find_same_sound(sounds, SPLITS)
    assert pair.seconds > 3
    third = write_sound_clip(tmp_path / "third.mp4", make_melody(2, 6), 128_000)
    assert find_same_sound([sounds[0], fingerprint_sound(third)], SPLITS) == []


def test_video_without_sound_has_no_words(tmp_path):
    assert len(fingerprint_sound(write_sound_clip(tmp_path / "mute.mp4", None, 0))) == 0
    silent = write_sound_clip(tmp_path / "silent.mp4", np.zeros(3 * RATE), 64_000)
    assert len(fingerprint_sound(silent)) == 0
