"""Training of autoencoders (Report A, section Réduction des dimensions)."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.resizing import resize_rows
from covid_xray.models.autoencoders import as_input
from covid_xray.models.settings import AutoencoderSettings
from covid_xray.training.fitting import ShuffledBatches, TrainingError, run_epochs


def train_autoencoder(
    model: keras.Model,
    images: NDArray[np.uint8],
    *,
    train_rows: NDArray[np.intp],
    validation_rows: NDArray[np.intp],
    settings: AutoencoderSettings,
) -> pd.DataFrame:
    """Train in place on radiographs read batch by batch, for all epochs, as published.

    Args:
        model: model of `build_autoencoder`.
        images: uint8 array (n, height, width); of a memory map, a batch at a time is read.
        train_rows: rows to train on.
        validation_rows: rows whose loss is followed; they decide nothing.
        settings: hyper-parameters.

    Returns:
        Table `AUTOENCODER_HISTORY`.

    Raises:
        TrainingError: if there is no training or no validation row.
    """
    if not len(train_rows) or not len(validation_rows):
        raise TrainingError(
            f"An autoencoder needs radiographs to train on and to validate on, and there are "
            f"{len(train_rows)} and {len(validation_rows)}."
        )
    side = model.input_shape[1]

    def read(rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        pixels = as_input(resize_rows(images, rows, side))
        return pixels, pixels

    keras.utils.set_random_seed(settings.seed)
    model.compile(keras.optimizers.Adam(settings.learning_rate), loss="binary_crossentropy")
    return run_epochs(
        model,
        ShuffledBatches(read, train_rows, settings.batch_size, settings.seed),
        ShuffledBatches(read, validation_rows, settings.batch_size),
        settings.epochs,
    )
