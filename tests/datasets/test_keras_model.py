import numpy as np
import pytest
from kedro.io import DatasetError

from covid_xray.datasets import KerasModelDataset


def test_a_model_comes_back_with_its_weights_and_its_frozen_layers(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    model.layers[0].trainable = False
    dataset = KerasModelDataset(filepath=str(tmp_path / "models/classifier.keras"))
    assert not dataset.exists()
    dataset.save(model)
    loaded = dataset.load()
    inputs = np.random.default_rng(0).random((5, 3))
    np.testing.assert_array_equal(
        loaded.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )
    assert [layer.trainable for layer in loaded.layers] == [False, True]
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["classifier.keras"]


def test_a_model_that_brings_code_is_refused(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1)])
    dataset = KerasModelDataset(filepath=str(tmp_path / "classifier.keras"))
    dataset.save(model)
    with pytest.raises(DatasetError, match="safe_mode"):
        dataset.load()


def test_another_suffix_is_refused():
    with pytest.raises(DatasetError, match=r"\.keras files"):
        KerasModelDataset(filepath="classifier.h5")
