"""Training of a classifier's tail on its trunk's activations, once per run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.models.trunk import CutClassifier
from covid_xray.training.fitting import (
    ShuffledBatches,
    check_rows,
    compile_classifier,
    fit_compiled,
)
from covid_xray.training.settings import TrainingSettings


class TailTrainer:
    """Trains a tail on cached trunk features, each time from the same start, compiled once.

    Args:
        cut: the classifier, cut; its own tail is trained in place.
    """

    def __init__(self, cut: CutClassifier) -> None:
        self.cut = cut
        self._start = _values(cut.tail.variables)
        self._compiled_for: tuple[str, float] | None = None

    def train(
        self,
        features: NDArray[np.generic],
        *,
        targets: NDArray[np.float32],
        train_rows: NDArray[np.intp],
        validation_rows: NDArray[np.intp],
        class_weights: Sequence[float],
        settings: TrainingSettings,
    ) -> pd.DataFrame:
        """Train the tail; the best validation loss is kept.

        Args:
            features: array (n, features) of `trunk_features`.
            targets: float array (n, n_classes), one-hot.
            train_rows: rows of `features` to train on.
            validation_rows: rows of `features` that decide when to stop.
            class_weights: weight of each class in the loss.
            settings: hyper-parameters.

        Returns:
            One row per epoch: `epoch, loss, accuracy, val_loss, val_accuracy`.

        Raises:
            TrainingError: if a class has no training row, or there is no validation row.
        """
        check_rows(targets[train_rows], len(validation_rows))
        self._start_again(settings)

        def read(rows: NDArray[np.intp]) -> tuple[Any, NDArray[np.float32]]:
            return self.cut.part(features[rows]), targets[rows]

        return fit_compiled(
            self.cut.tail,
            ShuffledBatches(read, train_rows, settings.batch_size, settings.seed),
            ShuffledBatches(read, validation_rows, settings.batch_size),
            class_weights,
            settings,
        )

    def _start_again(self, settings: TrainingSettings) -> None:
        tail = self.cut.tail
        if self._compiled_for != (settings.optimiser, settings.learning_rate):
            compile_classifier(tail, settings)
            tail.optimizer.build(tail.trainable_variables)
            self._optimiser_start = _values(tail.optimizer.variables)
            self._compiled_for = (settings.optimiser, settings.learning_rate)
        # Dropout's random state is among the variables.
        _assign(tail.variables[: len(self._start)], self._start)
        _assign(tail.optimizer.variables, self._optimiser_start)


def _values(variables: Sequence[Any]) -> list[NDArray[np.generic]]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[NDArray[np.generic]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
