import numpy as np
import pandas as pd

from deepfake_detector.training.epoch_validation import choose_frames, spread


def test_numbers_are_spread_from_first_to_last():
    assert spread(9, 3).tolist() == [0, 4, 8]
    assert spread(2, 16).tolist() == [0, 1]
    assert spread(5, 1).tolist() == [0]


def test_a_few_frames_of_every_video_are_chosen_with_all_their_faces():
    frames = [("long", 0), ("long", 5), ("long", 5), ("long", 10), ("short", 0)]
    truth = pd.DataFrame(frames, columns=["video", "frame"])
    truth["left"] = np.arange(len(truth))
    wanted, chosen = choose_frames(truth, 2)
    assert wanted.tolist() == [True, False, True, True]  # frames 0, 5, 10 of long, 0 of short
    assert chosen["left"].tolist() == [0, 3, 4]
    wanted, chosen = choose_frames(truth, 3)
    assert wanted.all()
    assert chosen["left"].tolist() == [0, 1, 2, 3, 4]
