import pandas as pd

from deepfake_detector.plots.reliability import draw_reliability

BINS = pd.DataFrame({"probability": [0.2, 0.8], "fake_score": [0.0, 1.0], "videos": [3, 4]})
VIDEOS = pd.DataFrame({"probability": [0.2, 0.8], "label": ["real", "fake"]})


def get_texts(figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(lambda o: hasattr(o, "get_text"))}


def test_points_say_how_many_videos_they_stand_for():
    texts = get_texts(draw_reliability(BINS, VIDEOS, (0.4, 0.7), "7 test videos"))
    assert {"3", "4", "cannot tell", "real", "fake"} <= texts
    assert any("7 test videos" in text for text in texts)


def test_no_video_leaves_an_empty_diagram():
    figure = draw_reliability(BINS.head(0), VIDEOS.head(0), (0.0, 1.0), "0 test videos")
    assert any("0 test videos" in text for text in get_texts(figure))
