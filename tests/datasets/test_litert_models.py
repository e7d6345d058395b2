"""LiteRT models: a folder of files, converted when saved, that predict what Keras does."""

import numpy as np
import pytest

from covid_xray.datasets import LiteRTModelsDataset
from support.runs import IMAGES


def predict(content, radiograph):
    """What an interpreter without Keras makes of one radiograph."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], radiograph)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.fixture(scope="module")
def models():
    """Keras models behind their resizing, by name."""
    from covid_xray.models.transfer_classifiers import without_resizing
    from support.transfer import build_tiny

    return {f"covid_weight_{seed}": without_resizing(build_tiny(seed=seed)) for seed in (1, 2)}


@pytest.mark.slow
def test_converted_models_predict_what_keras_does(tmp_path, models):
    dataset = LiteRTModelsDataset(filepath=str(tmp_path / "models/tiny_lite"))
    assert not dataset.exists()
    dataset.save(models)
    loaded = dataset.load()
    assert list(loaded) == list(models)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["tiny_lite"]
    radiograph = IMAGES[:1, :16, :16, None].astype("float32")
    for name, model in models.items():
        expected = np.asarray(model(radiograph, training=False))
        np.testing.assert_allclose(predict(loaded[name], radiograph), expected, atol=1e-4)


class Writer:
    """Stands for a model: writes some bytes, or fails."""

    def __init__(self, content=None):
        self.content = content

    def export(self, path, **_):
        if self.content is None:
            raise RuntimeError("an operation that LiteRT does not have")
        path.write_bytes(self.content)


def test_models_no_longer_saved_are_gone(tmp_path):
    dataset = LiteRTModelsDataset(filepath=str(tmp_path / "tiny_lite"))
    dataset.save({"first": Writer(b"1"), "second": Writer(b"2")})
    dataset.save({"second": Writer(b"3")})
    assert dataset.load() == {"second": b"3"}


def test_a_failed_conversion_leaves_the_folder_as_it_was(tmp_path):
    dataset = LiteRTModelsDataset(filepath=str(tmp_path / "tiny_lite"))
    with pytest.raises(Exception, match="LiteRT does not have"):
        dataset.save({"first": Writer(b"1"), "second": Writer()})
    assert not dataset.exists()
    dataset.save({"first": Writer(b"1")})
    with pytest.raises(Exception, match="LiteRT does not have"):
        dataset.save({"first": Writer(b"2"), "second": Writer()})
    assert dataset.load() == {"first": b"1"}
