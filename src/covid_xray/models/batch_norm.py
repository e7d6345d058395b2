"""Batch normalisation's statistics, taken from training radiographs."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

_CALIBRATION_IMAGES = 64


def calibrate_batch_norm(model: keras.Model, images: NDArray[np.uint8]) -> None:
    """Set every batch normalisation's statistics from a batch of training radiographs.

    Random weights need it: their batch-norm statistics are those of no data at all, and a
    frozen trunk never corrects them. Pre-trained ones must not be touched.

    Args:
        model: classifier to change in place.
        images: uint8 array (n, height, width) of training radiographs.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [(layer.momentum, layer.trainable) for layer in layers]
    for layer in layers:
        # With momentum 0, one pass in training mode replaces the statistics by the batch's.
        layer.momentum, layer.trainable = 0.0, True
    model(images[..., None].astype("float32"), training=True)
    for layer, (momentum, trainable) in zip(layers, before, strict=True):
        layer.momentum, layer.trainable = momentum, trainable


def calibration_rows(training: pd.Series, seed: int) -> NDArray[np.intp]:
    """A few training radiographs, ascending, to calibrate random weights on.

    Args:
        training: row numbers of training radiographs.
        seed: seed of the draw.
    """
    drawn = training.sample(min(_CALIBRATION_IMAGES, len(training)), random_state=seed)
    return np.sort(drawn.to_numpy())
