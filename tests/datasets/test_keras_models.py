"""Folders of Keras models."""

import numpy as np
import pytest

from covid_xray.datasets import KerasModelsDataset


def build(units):
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])


@pytest.fixture
def dataset(tmp_path):
    return KerasModelsDataset(filepath=str(tmp_path / "models"))


def test_models_come_back_by_name(dataset):
    models = {"small": build(2), "large": build(4)}
    dataset.save(models)
    kept = dataset.load()
    assert sorted(kept) == ["large", "small"]
    inputs = np.random.default_rng(0).random((5, 3))
    for name, model in models.items():
        np.testing.assert_array_equal(kept[name].predict_on_batch(inputs), model(inputs))


def test_a_name_that_is_not_there_is_an_error_with_the_others(dataset):
    dataset.save({"small": build(2)})
    with pytest.raises(KeyError, match="there are small"):
        dataset.load()["large"]


def test_a_model_that_fails_leaves_the_folder_as_it_was(dataset, tmp_path):
    class Broken:
        def save(self, path):
            path.write_bytes(b"half")
            raise OSError("disk full")

    assert not dataset.exists()
    with pytest.raises(Exception, match="disk full"):
        dataset.save({"small": build(2), "broken": Broken()})
    assert not dataset.exists()
    dataset.save({"small": build(2)})
    with pytest.raises(Exception, match="disk full"):
        dataset.save({"other": build(2), "broken": Broken()})
    assert dataset.exists()
    assert list(dataset.load()) == ["small"]


def test_models_of_a_former_save_are_gone(dataset):
    dataset.save({"small": build(2), "large": build(4)})
    dataset.save({"small": build(2)})
    assert list(dataset.load()) == ["small"]
