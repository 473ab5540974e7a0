import io

import pytest
from tqdm import tqdm

from deepfake_detector.common.parallel import run_tasks
from parallel_tasks import die, square


def run(task, items, workers):
    with tqdm(total=10 * len(items), file=io.StringIO()) as bar:
        results = dict(run_tasks(task, items, workers, bar))
        return results, bar.n


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_with_the_index_of_their_item_and_progress_is_counted(workers):
    results, progress = run(square, [3, 1, 2], workers)
    assert results == {0: 9, 1: 1, 2: 4}
    assert progress == 30


@pytest.mark.parametrize("workers", [1, 3])
def test_no_items_are_no_work(workers):
    assert run(square, [], workers) == ({}, 0)


def test_killed_worker_is_one_clear_error():
    with pytest.raises(ValueError, match="a worker process was killed"):
        run(die, [1, 2], 2)


def test_error_in_a_task_reaches_the_caller():
    with pytest.raises(TypeError):
        run(square, [None, None], 2)
