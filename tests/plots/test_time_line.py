from dataclasses import replace

import numpy as np

from deepfake_detector.plots.time_line import Line, Part, draw_time_line

SECONDS = np.arange(10.0)
LINE = Line("face 1", SECONDS, SECONDS / 10, SECONDS / 10, SECONDS > 0, SECONDS >= 0, 2.0)


def list_spans(figure):
    """From and to of what is shaded, in seconds."""
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in figure.axes[0].patches]


def test_fake_parts_are_shaded_and_named_once():
    figure = draw_time_line([LINE], 9.0, [Part(2.0, 4.0), Part(6.0, 7.0)])
    assert list_spans(figure) == [(2.0, 4.0), (6.0, 7.0)]
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["likely fake by itself", "face 1"]


def test_a_part_of_one_frame_is_wide_enough_to_be_seen():
    ((start, end),) = list_spans(draw_time_line([LINE], 1000.0, [Part(500.0, 500.0)]))
    assert (start, end) == (498.0, 502.0)


def test_without_parts_nothing_is_shaded():
    assert list_spans(draw_time_line([LINE], 9.0, [])) == []


def test_a_dot_is_a_frame_in_which_the_face_was_classified():
    line = replace(LINE, classified=SECONDS % 3 == 0)
    dots, crosses, whole = draw_time_line([line], 9.0, []).axes[0].get_lines()[:3]
    assert dots.get_xdata().tolist() == [3, 6, 9]
    assert crosses.get_xdata().tolist() == [0]
    assert whole.get_xdata().tolist() == SECONDS.tolist()
