"""Cached activations on disk: used again while they are good, never when they are not."""

import json

import numpy as np
import pytest
from kedro.io import DatasetError

from covid_xray.datasets import ActivationsDataset
from covid_xray.imaging.arrays import RowStream
from covid_xray.training.activations import Activations

RECORD = {"weights": "1f", "input_side": 224}
ROWS = np.random.default_rng(0).random((5, 3)).astype(np.float32)


def unread():
    raise AssertionError("activations that are there already were computed again")
    yield  # makes it a generator, which raises when it is read


def failing():
    yield ROWS[:2]
    raise RuntimeError("out of memory")


def stream(rows=ROWS):
    return RowStream(rows.shape, rows.dtype, iter([rows[:2], rows[2:]]))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "activations/mobilenet.npy"


@pytest.fixture
def dataset(path):
    """A dataset in which activations were saved."""
    saved = ActivationsDataset(filepath=str(path))
    assert not saved.exists()
    saved.save(Activations(RECORD, stream()))
    return saved


def assert_holds(dataset, record, rows):
    assert dataset.exists()
    loaded = dataset.load()
    assert dict(loaded.record) == record
    np.testing.assert_array_equal(loaded.checked(record), rows)


def test_activations_come_back_with_their_record(dataset):
    assert_holds(dataset, RECORD, ROWS)
    rows = dataset.load().rows
    assert isinstance(rows, np.memmap)
    assert not rows.flags.writeable
    assert rows.dtype == np.float32


def test_numpy_and_json_open_the_files(dataset, path):
    np.testing.assert_array_equal(np.load(path), ROWS)
    assert json.loads(path.with_suffix(".json").read_text("utf-8")) == RECORD
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "mobilenet.json",
        "mobilenet.npy",
    ]


def test_saving_what_is_there_already_computes_nothing(dataset, path):
    before = path.stat()
    dataset.save(Activations(dict(reversed(RECORD.items())), RowStream((5, 3), "f4", unread())))
    assert path.stat() == before
    assert_holds(dataset, RECORD, ROWS)


@pytest.mark.parametrize(
    "record", [RECORD | {"weights": "2f"}, RECORD | {"cut": "(3,)"}, {"weights": "1f"}]
)
def test_activations_of_another_record_are_written_anew(dataset, record):
    dataset.save(Activations(record, stream(ROWS[:4] + 1)))
    assert_holds(dataset, record, ROWS[:4] + 1)


@pytest.mark.parametrize("kept_bytes", [0, 60, 140, 187])
def test_a_truncated_array_is_named_and_written_anew(dataset, path, kept_bytes):
    whole = path.read_bytes()
    assert kept_bytes < len(whole) == 128 + ROWS.nbytes
    path.write_bytes(whole[:kept_bytes])
    with pytest.raises(DatasetError, match=r"mobilenet\.npy is not a whole .* Delete it"):
        dataset.load()
    dataset.save(Activations(RECORD, stream()))
    assert_holds(dataset, RECORD, ROWS)


@pytest.mark.parametrize("content", [b"", b'{"weights": "1f", ', b"\xff\xfe\x00", b"null", b"[1]"])
def test_a_corrupt_record_is_named_and_all_written_anew(dataset, path, content):
    path.with_suffix(".json").write_bytes(content)
    with pytest.raises(DatasetError, match=r"mobilenet\.json"):
        dataset.load()
    dataset.save(Activations(RECORD, stream()))
    assert_holds(dataset, RECORD, ROWS)


@pytest.mark.parametrize("lost", [".json", ".npy"])
def test_one_of_the_two_files_alone_counts_as_missing(dataset, path, lost):
    """As a run leaves them that is killed between the two."""
    path.with_suffix(lost).unlink()
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=rf"mobilenet\{lost}"):
        dataset.load()
    dataset.save(Activations(RECORD, stream()))
    assert_holds(dataset, RECORD, ROWS)


def test_a_failing_run_leaves_what_was_saved(dataset):
    with pytest.raises(DatasetError, match="out of memory"):
        dataset.save(Activations(RECORD | {"weights": "2f"}, RowStream((5, 3), "f4", failing())))
    assert_holds(dataset, RECORD, ROWS)


def test_a_first_run_that_fails_leaves_nothing(path):
    dataset = ActivationsDataset(filepath=str(path))
    with pytest.raises(DatasetError, match="out of memory"):
        dataset.save(Activations(RECORD, RowStream((5, 3), "f4", failing())))
    assert not dataset.exists()
