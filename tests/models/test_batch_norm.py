"""Batch normalisation's statistics, against those of the batches themselves."""

import keras
import numpy as np
import pandas as pd

from covid_xray.models.batch_norm import (
    calibrate_batch_norm,
    calibration_rows,
)
from support.transfer import build


def test_calibration_sets_the_statistics_of_the_batch_and_leaves_the_rest():
    model = build("MobileNet")
    images = np.random.default_rng(0).integers(0, 256, (16, 64, 64)).astype(np.uint8)
    first = model.get_layer("conv1_bn")
    before = [(layer.trainable, getattr(layer, "momentum", None)) for layer in model.layers]
    kernel = model.get_layer("conv1").get_weights()[0]
    calibrate_batch_norm(model, images)
    conv1 = keras.Model(model.inputs[0], model.get_layer("conv1").output)
    activations = keras.ops.convert_to_numpy(conv1(images[..., None].astype("float32")))
    np.testing.assert_allclose(first.moving_mean, activations.mean(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(first.moving_variance, activations.var(axis=(0, 1, 2)), rtol=1e-3)
    assert [(layer.trainable, getattr(layer, "momentum", None)) for layer in model.layers] == before
    np.testing.assert_array_equal(model.get_layer("conv1").get_weights()[0], kernel)


def test_calibration_draws_a_few_rows_in_order():
    rows = calibration_rows(pd.Series(range(100, 300)), seed=1)
    assert len(rows) == 64 == len(set(rows))
    assert rows.tolist() == sorted(rows) and set(rows) <= set(range(100, 300))
    assert calibration_rows(pd.Series([7, 3]), seed=1).tolist() == [3, 7]
