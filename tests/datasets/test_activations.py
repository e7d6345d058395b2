"""Cached activations on disk: used again while they are good, never when they are not."""

import json

import numpy as np
import pytest
from covid_xray.models.feature_cache import TrunkFeatures
from kedro.io import DatasetError

from covid_xray.datasets import TrunkFeaturesDataset
from covid_xray.imaging.arrays import RowStream

KEY = {"weights": "1f", "input_side": 224}
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
    return tmp_path / "backbone/trunk_features.npy"


@pytest.fixture
def dataset(path):
    """A dataset in which activations were saved."""
    saved = TrunkFeaturesDataset(filepath=str(path))
    assert not saved.exists()
    saved.save(TrunkFeatures(KEY, stream()))
    return saved


def assert_holds(dataset, key, rows):
    assert dataset.exists()
    loaded = dataset.load()
    assert dict(loaded.key) == key
    np.testing.assert_array_equal(loaded.checked(key), rows)


def test_activations_come_back_with_their_key_as_a_read_only_memory_map(dataset):
    assert_holds(dataset, KEY, ROWS)
    rows = dataset.load().rows
    assert isinstance(rows, np.memmap)
    assert not rows.flags.writeable
    assert rows.dtype == np.float32


def test_numpy_and_json_open_the_files_without_this_project(dataset, path):
    np.testing.assert_array_equal(np.load(path), ROWS)
    assert json.loads(path.with_suffix(".json").read_text("utf-8")) == KEY
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "trunk_features.json",
        "trunk_features.npy",
    ]


def test_saving_what_is_there_already_computes_nothing(dataset, path):
    before = path.stat()
    dataset.save(TrunkFeatures(dict(reversed(KEY.items())), RowStream((5, 3), "f4", unread())))
    assert path.stat() == before
    assert_holds(dataset, KEY, ROWS)


@pytest.mark.parametrize("key", [KEY | {"weights": "2f"}, KEY | {"cut": "(3,)"}, {"weights": "1f"}])
def test_activations_of_another_key_are_written_anew(dataset, key):
    dataset.save(TrunkFeatures(key, stream(ROWS[:4] + 1)))
    assert_holds(dataset, key, ROWS[:4] + 1)


@pytest.mark.parametrize("kept_bytes", [0, 60, 140, 187])
def test_a_truncated_array_is_named_and_written_anew(dataset, path, kept_bytes):
    whole = path.read_bytes()
    assert kept_bytes < len(whole) == 128 + ROWS.nbytes
    path.write_bytes(whole[:kept_bytes])
    with pytest.raises(DatasetError, match=r"trunk_features\.npy is not a whole .* Delete it"):
        dataset.load()
    dataset.save(TrunkFeatures(KEY, stream()))
    assert_holds(dataset, KEY, ROWS)


@pytest.mark.parametrize("content", [b"", b'{"weights": "1f", ', b"\xff\xfe\x00", b"null", b"[1]"])
def test_a_corrupt_key_is_named_and_everything_written_anew(dataset, path, content):
    path.with_suffix(".json").write_bytes(content)
    with pytest.raises(DatasetError, match=r"trunk_features\.json"):
        dataset.load()
    dataset.save(TrunkFeatures(KEY, stream()))
    assert_holds(dataset, KEY, ROWS)


@pytest.mark.parametrize("lost", [".json", ".npy"])
def test_with_one_of_the_two_files_alone_both_count_as_missing(dataset, path, lost):
    """As a run leaves them that is killed between the two."""
    path.with_suffix(lost).unlink()
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=rf"trunk_features\{lost}"):
        dataset.load()
    dataset.save(TrunkFeatures(KEY, stream()))
    assert_holds(dataset, KEY, ROWS)


def test_a_run_that_fails_while_it_computes_leaves_what_was_saved(dataset):
    with pytest.raises(DatasetError, match="out of memory"):
        dataset.save(TrunkFeatures(KEY | {"weights": "2f"}, RowStream((5, 3), "f4", failing())))
    assert_holds(dataset, KEY, ROWS)


def test_a_first_run_that_fails_while_it_computes_leaves_nothing(path):
    dataset = TrunkFeaturesDataset(filepath=str(path))
    with pytest.raises(DatasetError, match="out of memory"):
        dataset.save(TrunkFeatures(KEY, RowStream((5, 3), "f4", failing())))
    assert not dataset.exists()
