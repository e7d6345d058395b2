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
from covid_xray.training.settings import TrainingSettings

_OPTIMISERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "sgd_momentum": partial(keras.optimizers.SGD, momentum=0.9),
    "adagrad": keras.optimizers.Adagrad,
}


class TrainingError(ValueError):
    """Data that a classifier can't be trained on; the message says what is missing."""


class ShuffledBatches(keras.utils.PyDataset):
    """Batches of inputs and targets, in an order that the seed and the epoch fix.

    Args:
        read: gives the model's inputs and targets for an array of row numbers.
        rows: row numbers of the examples.
        batch_size: examples per batch.
        seed: seed of the order; None keeps the given order, for evaluation.
    """

    def __init__(
        self,
        read: Callable[[NDArray[np.intp]], tuple[Any, Any]],
        rows: NDArray[np.intp],
        batch_size: int,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self._read, self._rows = read, rows
        self._batch_size, self._seed, self._epoch = batch_size, seed, 0
        self._order = self._new_order()

    def __len__(self) -> int:
        """Number of batches."""
        return math.ceil(len(self._order) / self._batch_size)

    def __getitem__(self, batch: int) -> tuple[Any, Any]:
        """Inputs and targets of one batch."""
        start = batch * self._batch_size
        # Ascending rows read a memory map in the order it lies on disk.
        chosen = np.sort(self._order[start : start + self._batch_size])
        return self._read(self._rows[chosen])

    def on_epoch_end(self) -> None:
        """Shuffle anew."""
        self._epoch += 1
        self._order = self._new_order()

    def _new_order(self) -> NDArray[np.intp]:
        if self._seed is None:
            return np.arange(len(self._rows))
        return np.random.default_rng([self._seed, self._epoch]).permutation(len(self._rows))


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
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=settings.patience, restore_best_weights=True
    )
    return run_epochs(
        model,
        training,
        validation,
        settings.epochs,
        [stopping],
        class_weight=dict(enumerate(class_weights)),
    )


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


def check_rows(train_targets: NDArray[np.float32], n_validation: int) -> None:
    """Refuse what no classifier can be trained on.

    Args:
        train_targets: targets of the training rows, (n, n_classes), one-hot.
        n_validation: number of validation rows.

    Raises:
        TrainingError: if a class has no training row, or there is no validation row.
    """
    per_class = train_targets.sum(axis=0)
    if len(train_targets) == 0 or (per_class == 0).any():
        raise TrainingError(
            f"Training rows per class are {per_class.astype(int).tolist()}: every class needs one."
        )
    if n_validation == 0:
        raise TrainingError("There is no validation row to decide when to stop.")
