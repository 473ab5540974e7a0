"""A small autoencoder of two people: the donor's decoder draws the target's expression."""

import _thread
import signal
import threading

import numpy as np
import pytest

from deepfake_detector.forging import swap_autoencoder
from deepfake_detector.forging.aligned_faces import (
    CUT_PX,
    make_face_weights,
    normalize_colors,
    trim,
)
from deepfake_detector.forging.swap_autoencoder import train_drawers

FOREHEAD = np.s_[22:32, 33:78]  # of what is drawn
MOUTH = np.s_[68:92, 34:78]


@pytest.fixture(autouse=True)
def make_small(monkeypatch):
    monkeypatch.setattr(swap_autoencoder, "_ENCODER_WIDTHS", (8, 16, 32, 32))
    monkeypatch.setattr(swap_autoencoder, "_DECODER_WIDTHS", (32, 16, 8, 8))
    monkeypatch.setattr(swap_autoencoder, "_N_CODES", 32)
    monkeypatch.setattr(swap_autoencoder, "_FACES_PER_STEP", 4)
    monkeypatch.setattr(swap_autoencoder, "_LEARNING_RATE", 5e-3)


def draw_person(forehead, level):
    """Draw a person twice: with the mouth shut, and wide open, a dark patch."""
    face = np.full((CUT_PX, CUT_PX, 3), level, np.uint8)
    trim(face)[22:32, 28:84] = forehead
    opened = face.copy()
    trim(opened)[MOUTH] = level - 80
    return np.stack([face, opened])


TARGET, DONOR = draw_person(forehead=110, level=150), draw_person(forehead=140, level=100)


def measure_forehead(face):
    """Measure by how much the forehead is lighter than the cheeks."""
    return face[FOREHEAD].mean() - face[50:60, 40:72].mean()


def measure_openness(face):
    """Measure how open a mouth is: 0 as the donor's that is shut, 1 as the one that is open."""
    shut, opened, mouth = (normalize_colors(f)[0][MOUTH] for f in (*trim(DONOR), face))
    return ((mouth - shut) * (opened - shut)).sum() / ((opened - shut) ** 2).sum()


def test_donors_decoder_draws_the_donor_in_the_colors_of_the_target():
    _, drawer = train_drawers((TARGET, DONOR), 2, [1])
    drawn = drawer.draw(TARGET[0])
    assert measure_forehead(trim(TARGET[0])) == -40
    assert measure_forehead(drawn) > 20
    weights = make_face_weights()[..., None]
    mean = (drawn * weights).sum() / (3 * weights.sum())
    assert abs(mean - 145) < 10


def test_expression_of_the_target_is_drawn():
    _, drawer = train_drawers((TARGET, DONOR), 100, [1])
    shut, opened = (measure_openness(drawer.draw(face)) for face in TARGET)
    # 0.60, 0.59 and 0.99 with seeds 1, 2, 3; from Glorot's initial weights 0.70, 0.00 and 0.28
    assert opened > shut + 0.4


def test_same_seed_gives_the_same_network(capsys):
    first, again, other = (
        train_drawers((TARGET, DONOR), 3, seed)[1].draw(TARGET[0]) for seed in ([1], [1], [2])
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    progress = capsys.readouterr().err
    assert "autoencoder: 100%" in progress
    assert "steps/s" in progress


def test_training_that_is_stopped_leaves_no_thread_that_an_exit_waits_for(monkeypatch):
    sample_warped, calls = swap_autoencoder.sample_warped, []

    def stop_in_the_fifth_batch(cut, generator):
        calls.append(1)
        if len(calls) == 40:
            _thread.interrupt_main()
        return sample_warped(cut, generator)

    monkeypatch.setattr(swap_autoencoder, "sample_warped", stop_in_the_fifth_batch)
    before = set(threading.enumerate())
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            train_drawers((TARGET, DONOR), 200, [1])
    finally:
        signal.signal(signal.SIGINT, handler)
    assert {thread for thread in threading.enumerate() if not thread.daemon} <= before
