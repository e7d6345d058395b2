"""Training of autoencoders (Report A, section Réduction des dimensions)."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.resizing import resize_rows
from covid_xray.models.autoencoders import as_input
from covid_xray.models.settings import AutoencoderSettings
from covid_xray.training.batches import ShuffledBatches, SplitRows
from covid_xray.training.fitting import run_epochs


def train_autoencoder(
    model: keras.Model,
    images: NDArray[np.uint8],
    rows: SplitRows,
    settings: AutoencoderSettings,
) -> pd.DataFrame:
    """Train in place on radiographs read batch by batch, for all epochs, as published.

    Args:
        model: model of `build_autoencoder`.
        images: uint8 array (n, height, width); of a memory map, a batch at a time is read.
        rows: rows to train on, and those whose loss is followed; these decide nothing.
        settings: hyper-parameters.

    Returns:
        Table `AUTOENCODER_HISTORY`.

    Raises:
        TrainingError: if there is no training or no validation row.
    """
    rows.check("radiographs")
    side = model.input_shape[1]

    def read(chosen: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        pixels = as_input(resize_rows(images, chosen, side))
        return pixels, pixels

    keras.utils.set_random_seed(settings.seed)
    model.compile(keras.optimizers.Adam(settings.learning_rate), loss="binary_crossentropy")
    return run_epochs(
        model,
        ShuffledBatches(read, rows.train, settings.batch_size, settings.seed),
        ShuffledBatches(read, rows.validation, settings.batch_size),
        settings.epochs,
    )
