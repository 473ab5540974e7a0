import io
import os

import pytest
from tqdm import tqdm

from deepfake_detector.common.parallel import Workers, list_cores, run_tasks, split_cores
from parallel_tasks import die, die_of_seven, find_cores, square


def run(task, items, workers, replace_killed=None):
    with tqdm(total=10 * len(items), file=io.StringIO()) as bar:
        results = dict(run_tasks(task, items, workers, bar, replace_killed))
        return results, bar.n


@pytest.mark.parametrize("count", [1, 3])
def test_results_come_with_the_index_of_their_item_and_progress_is_counted(count):
    results, progress = run(square, [3, 1, 2], Workers(count))
    assert results == {0: 9, 1: 1, 2: 4}
    assert progress == 30


@pytest.mark.parametrize("count", [1, 3])
def test_no_items_are_no_work(count):
    assert run(square, [], Workers(count)) == ({}, 0)


def test_killed_worker_is_one_clear_error():
    with pytest.raises(ValueError, match="a worker process was killed"):
        run(die, [1, 2], Workers(2))


def test_an_item_that_kills_its_process_has_a_result_of_its_own_and_takes_no_other_with_it():
    items = [1, 2, 7, 3, 4, 5, 6, 7, 8]
    results, _ = run(die_of_seven, items, Workers(2), lambda item: f"killed by {item}")
    assert results == {
        index: "killed by 7" if item == 7 else item * item for index, item in enumerate(items)
    }


def test_error_in_a_task_reaches_the_caller():
    with pytest.raises(TypeError):
        run(square, [None, None], Workers(2))


def test_cores_are_split_into_parts_of_about_one_size():
    assert split_cores([0, 1, 2, 3, 4], 2) == [[0, 1], [2, 3, 4]]
    assert split_cores([4, 6], 2) == [[4], [6]]
    assert split_cores([5], 3) == [[5], [5], [5]]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux lets one choose cores")
def test_processes_that_share_the_cores_use_a_part_each():
    results, _ = run(find_cores, [0, 1, 2, 3], Workers(2, share_cores=True))
    parts = split_cores(list_cores(), 2)
    assert all(part in parts for part in results.values())
