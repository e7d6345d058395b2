"""Training of a classifier's tail, as published (Report A, section Choix des modèles)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.progress import progress
from covid_xray.training.batches import ShuffledBatches, SplitRows, TrainingError
from covid_xray.training.settings import TrainingSettings

_OPTIMISERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "sgd_momentum": partial(keras.optimizers.SGD, momentum=0.9),
    "adagrad": keras.optimizers.Adagrad,
}


def compile_classifier(model: keras.Model, settings: TrainingSettings) -> None:
    """Give a classifier the published loss, and the optimiser of its settings."""
    model.compile(
        # By its own name: Keras would number it, and a saved model would tell its place in a run.
        optimizer=_OPTIMISERS[settings.optimiser](settings.learning_rate, name=settings.optimiser),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )


def fit_compiled(
    model: keras.Model,
    training: ShuffledBatches,
    validation: ShuffledBatches,
    class_weights: Sequence[float],
    settings: TrainingSettings,
) -> pd.DataFrame:
    """Plain `model.fit` under early stopping, as published.

    Args:
        model: compiled model to train in place.
        training: shuffled training batches.
        validation: validation batches.
        class_weights: weight of each class in the loss.
        settings: hyper-parameters.

    Returns:
        One row per epoch: `epoch, loss, accuracy, val_loss, val_accuracy`.
    """
    keras.utils.set_random_seed(settings.seed)
    return run_epochs(
        model,
        training,
        validation,
        settings.epochs,
        _callbacks(settings),
        class_weight=dict(enumerate(class_weights)),
    )


def _callbacks(settings: TrainingSettings) -> list[keras.callbacks.Callback]:
    callbacks: list[keras.callbacks.Callback] = [
        keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=settings.patience, restore_best_weights=True
        )
    ]
    if settings.schedule == "cosine":
        callbacks.append(FallingRate(settings))
    return callbacks


def run_epochs(
    model: keras.Model,
    training: ShuffledBatches,
    validation: ShuffledBatches,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: Any,
) -> pd.DataFrame:
    """Run `model.fit` under a progress bar, in the order that the batches themselves fix.

    Args:
        model: compiled model to train in place.
        training: shuffled training batches.
        validation: validation batches.
        epochs: largest number of epochs.
        callbacks: what else listens to the training.
        **options: passed on to `model.fit`.

    Returns:
        One row per epoch: `epoch`, the losses and the metrics.
    """
    history = model.fit(
        training,
        validation_data=validation,
        epochs=epochs,
        callbacks=[*callbacks, EpochProgress()],
        shuffle=False,
        verbose=0,
        **options,
    )
    return pd.DataFrame(history.history).rename_axis("epoch").reset_index()


class FallingRate(keras.callbacks.Callback):
    """A learning rate that falls along half a cosine, towards 0 (Loshchilov & Hutter, 2017).

    Args:
        settings: first rate, and number of epochs.
    """

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__()
        self._settings = settings

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Set the epoch's rate."""
        share = (1 + math.cos(math.pi * epoch / self._settings.epochs)) / 2
        self.model.optimizer.learning_rate = self._settings.learning_rate * share


class EpochProgress(keras.callbacks.Callback):
    """A progress bar over epochs."""

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Open the bar."""
        epochs = self.params["epochs"]
        self._bar = progress(range(epochs), f"Training {self.model.name}", epochs)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Advance the bar."""
        next(self._bar, None)


def predict_probabilities(
    model: keras.Model,
    read: Callable[[NDArray[np.intp]], Any],
    rows: NDArray[np.intp],
    batch_size: int,
) -> NDArray[np.float32]:
    """Class probabilities, batch by batch.

    Args:
        model: a trained classifier, or the tail of one.
        read: gives the model's inputs for an array of row numbers.
        rows: row numbers to predict.
        batch_size: images per pass.

    Returns:
        float32 array (len(rows), n_classes).
    """
    batches = [
        model.predict_on_batch(read(rows[start : start + batch_size]))
        for start in range(0, len(rows), batch_size)
    ]
    return np.concatenate(batches)


def check_rows(targets: NDArray[np.float32], rows: SplitRows) -> None:
    """Refuse what no classifier can be trained on.

    Args:
        targets: of all rows, (n, n_classes), one-hot.
        rows: rows to train on, and those that decide when to stop.

    Raises:
        TrainingError: if a class has no training row, or there is no validation row.
    """
    per_class = targets[rows.train].sum(axis=0)
    if (per_class == 0).any():
        raise TrainingError(
            f"Training rows per class are {per_class.astype(int).tolist()}: every class needs one."
        )
    if not len(rows.validation):
        raise TrainingError("There is no validation row to decide when to stop.")


def without_training(model: keras.Model) -> keras.Model:
    """The same layers without loss and optimiser: their file needs no code of this project."""
    return keras.Model(model.inputs, model.outputs, name=model.name)
