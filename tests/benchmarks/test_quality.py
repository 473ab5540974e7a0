"""Joining data folders, and the table of a recipe; trainings are left to the command itself."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from benchmarks.quality_data import copy_code, join_folders
from benchmarks.quality_figures import ROWS, Recipe, join_seeds, make_table, measure_simpler

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folders(tmp_path):
    """Two folders in a user's layout: `one` with a list of its video, `two` without."""
    for name, video in (("one", "a.mp4"), ("two", "b.mp4")):
        for part in ("videos", "annotations"):
            (tmp_path / name / part).mkdir(parents=True)
        (tmp_path / name / "videos" / video).write_bytes(name.encode())
        (tmp_path / name / "annotations/faces.csv").write_text(name)
    (tmp_path / "one/videos.csv").write_text("video,source,split\na.mp4,person,test\n")
    return [tmp_path / "one", tmp_path / "two"]


def read_list(folder):
    with (folder / "videos.csv").open(newline="") as file:
        return {row["video"]: row for row in csv.DictReader(file)}


def test_folders_are_joined_without_copying_and_files_of_one_name_both_stay(folders, tmp_path):
    out = tmp_path / "data"
    assert join_folders(folders, None, out) == {"one": ["a.mp4"], "two": ["b.mp4"]}
    assert (out / "videos/b.mp4").read_bytes() == b"two"
    assert (out / "videos/b.mp4").is_symlink()
    texts = {file.read_text() for file in (out / "annotations").iterdir()}
    assert texts == {"one", "two"}
    assert read_list(out) == {"a.mp4": {"video": "a.mp4", "source": "person", "split": "test"}}


def test_rows_of_the_given_list_stand_in_place_of_the_folders_own(folders, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("video,split\na.mp4,train\nb.mp4,test\n")
    join_folders(folders, rows, tmp_path / "data")
    listed = read_list(tmp_path / "data")
    assert listed["a.mp4"] == {"video": "a.mp4", "source": "person", "split": "train"}
    assert listed["b.mp4"] == {"video": "b.mp4", "source": "", "split": "test"}


def test_two_videos_of_one_name_are_rejected(folders, tmp_path):
    (folders[1] / "videos/a.mp4").write_bytes(b"another")
    with pytest.raises(ValueError, match=r"a\.mp4: another folder has a video of this name"):
        join_folders(folders, None, tmp_path / "data")


def test_a_list_of_videos_that_are_not_there_is_rejected(folders, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("video,split\nc.mp4,train\n")
    with pytest.raises(ValueError, match=r"c\.mp4 is in none of the folders"):
        join_folders(folders, rows, tmp_path / "data")


def test_a_folder_in_another_layout_is_rejected(tmp_path):
    (tmp_path / "one").mkdir()
    with pytest.raises(ValueError, match="no such folder; expected videos and annotations"):
        join_folders([tmp_path / "one"], None, tmp_path / "data")


def test_the_copy_has_what_the_stages_need_and_loses_what_is_gone(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/gone.py").write_text("")
    copy_code(PROJECT, tmp_path)
    assert (tmp_path / "src/train.py").is_file()
    assert (tmp_path / "params.yaml").is_file()
    assert not (tmp_path / "src/gone.py").exists()


def make_recipe(video_auc):
    """Two seeds on one folder, of which only the video AUC was measured; the draws are two."""
    nothing = dict.fromkeys(ROWS.values(), np.nan)
    seeds = [
        {"one": (nothing | {"video_auc": value}, {"video_auc": np.array([value, 0.5])})}
        for value in video_auc
    ]
    return join_seeds(seeds, {"one": "12 videos"}, {"minutes of training": [3.0, 5.0]})


def test_seeds_are_averaged_and_so_are_their_draws():
    recipe = make_recipe([0.8, 0.6])
    assert list(recipe.values["one", "video_auc"]) == [0.8, 0.6]
    assert recipe.n_bootstrap["one", "video_auc"] == pytest.approx([0.7, 0.5])
    lines = make_table(recipe, None).splitlines()
    assert lines[0] == "one: 12 videos"
    [row] = [line for line in lines if line.startswith("video AUC  ")]
    assert row.split() == [
        "video",
        "AUC",
        "0.700",
        "0.505",
        "to",
        "0.695",
        "0.500",
        "0.800",
        "0.600",
    ]
    assert "mAP (area)" in lines  # not measured: no figure, no chance
    assert lines[-1] == "minutes of training: 4.0 (3.0 5.0)"


def test_simpler_ways_are_measured_and_a_video_without_a_face_counts_as_one_half():
    videos = pd.DataFrame(
        {
            "is_fake": [True, False, False],
            "majority": [0.5, 0.25, 0.75],
            "plain_mean": [0.8, 0.2, np.nan],
        }
    )
    params = SimpleNamespace(evaluate=SimpleNamespace(n_bootstrap=10), seed=1)
    metrics = measure_simpler(videos, params)
    assert metrics["majority_auc"] == 0.5
    assert metrics["plain_mean_auc"] == 1.0
    assert metrics["plain_mean_log_loss"] == pytest.approx(-np.log([0.8, 0.8, 0.5]).mean())


def test_the_difference_to_a_saved_recipe_has_an_interval(tmp_path):
    make_recipe([0.6, 0.6]).save(tmp_path / "draws.npz")
    other = Recipe.load(tmp_path / "draws.npz")
    [row] = [
        line
        for line in make_table(make_recipe([0.8, 0.8]), other).splitlines()
        if line.startswith("video AUC  ")
    ]
    assert row.endswith("+0.200 (0.005 to 0.195)")  # the draws differ by 0.2 and 0
