import numpy as np
import pytest
from kedro.io import DatasetError

from covid_xray.datasets import ArrayDataset
from covid_xray.imaging.arrays import RowStream


def test_an_array_comes_back_as_a_read_only_memory_map(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    dataset = ArrayDataset(filepath=str(tmp_path / "folder/array.npy"))
    assert not dataset.exists()
    dataset.save(array)
    loaded = dataset.load()
    assert isinstance(loaded, np.memmap)
    assert not loaded.flags.writeable
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, array)


def test_numpy_opens_the_file_without_this_project(tmp_path):
    array = np.random.default_rng(0).random((5, 2))
    ArrayDataset(filepath=str(tmp_path / "array.npy")).save(array)
    np.testing.assert_array_equal(np.load(tmp_path / "array.npy"), array)


def test_a_stream_is_written_batch_by_batch(tmp_path):
    array = np.arange(20, dtype=np.float32).reshape(10, 2)
    batches = (array[start : start + 3] for start in range(0, 10, 3))
    dataset = ArrayDataset(filepath=str(tmp_path / "array.npy"))
    dataset.save(RowStream((10, 2), np.float32, batches))
    np.testing.assert_array_equal(dataset.load(), array)


def test_an_array_without_rows_comes_back(tmp_path):
    dataset = ArrayDataset(filepath=str(tmp_path / "array.npy"))
    dataset.save(np.empty((0, 8, 8), np.uint8))
    assert dataset.load().shape == (0, 8, 8)


@pytest.mark.parametrize("before", [None, np.ones((2, 2))])
def test_a_stream_that_fails_midway_leaves_the_file_as_it_was(tmp_path, before):
    dataset = ArrayDataset(filepath=str(tmp_path / "array.npy"))
    if before is not None:
        dataset.save(before)

    def failing():
        yield np.zeros((1, 2))
        raise RuntimeError("the disk is full")

    with pytest.raises(DatasetError, match="the disk is full"):
        dataset.save(RowStream((3, 2), float, failing()))
    assert dataset.exists() is (before is not None)
    if before is not None:
        np.testing.assert_array_equal(dataset.load(), before)


def test_a_stream_with_too_few_rows_is_refused(tmp_path):
    dataset = ArrayDataset(filepath=str(tmp_path / "array.npy"))
    with pytest.raises(DatasetError, match="1 rows came for an array of shape"):
        dataset.save(RowStream((3, 2), float, [np.zeros((1, 2))]))
    assert not dataset.exists()


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "array.npy"
    ArrayDataset(filepath=str(path)).save(np.zeros((100, 100)))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DatasetError, match=r"array\.npy is not a whole"):
        ArrayDataset(filepath=str(path)).load()
