"""Batch normalisation's statistics, taken from training radiographs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
    _average(model, _layers(model), [images[..., None].astype("float32")])


def recompute_batch_norm(model: keras.Model, batches: Iterable[Any]) -> None:
    """Set the statistics of what is trained to their mean over some batches.

    Keras's moving averages lag behind weights that still change; these belong to the weights as
    they are (Wu & Johnson, arXiv 2105.07576, section 3).

    Args:
        model: classifier to change in place; its frozen layers stay as they are.
        batches: inputs of the model, of training radiographs.
    """
    _average(model, [layer for layer in _layers(model) if layer.trainable], batches)


def calibration_rows(training: pd.Series, seed: int) -> NDArray[np.intp]:
    """A few training radiographs, ascending, to calibrate random weights on.

    Args:
        training: row numbers of training radiographs.
        seed: seed of the draw.
    """
    drawn = training.sample(min(_CALIBRATION_IMAGES, len(training)), random_state=seed)
    return np.sort(drawn.to_numpy())


def _layers(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def _average(
    model: keras.Model, layers: list[keras.layers.BatchNormalization], batches: Iterable[Any]
) -> None:
    before = [(layer.momentum, layer.trainable) for layer in layers]
    for number, inputs in enumerate(batches):
        for layer in layers:
            # A pass in training mode moves the statistics; by this much, they become the mean.
            layer.momentum, layer.trainable = number / (number + 1), True
        model(inputs, training=True)
    for layer, (momentum, trainable) in zip(layers, before, strict=True):
        layer.momentum, layer.trainable = momentum, trainable
