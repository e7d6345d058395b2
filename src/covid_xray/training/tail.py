"""Training of a classifier's tail on its trunk's activations, once per run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.models.trunk import CutClassifier
from covid_xray.training.batches import ShuffledBatches, SplitRows
from covid_xray.training.fitting import check_rows, fit_compiled
from covid_xray.training.settings import TrainingSettings
from covid_xray.training.start import Start


class TailTrainer:
    """Trains a tail on cached trunk features, each time from the same start, compiled once.

    Args:
        cut: the classifier, cut; its own tail is trained in place.
    """

    def __init__(self, cut: CutClassifier) -> None:
        self.cut = cut
        self._start = Start(cut.tail)

    def train(
        self,
        features: NDArray[np.generic],
        *,
        targets: NDArray[np.float32],
        rows: SplitRows,
        class_weights: Sequence[float],
        settings: TrainingSettings,
    ) -> pd.DataFrame:
        """Train the tail; the best validation loss is kept.

        Args:
            features: array (n, features) of `trunk_features`.
            targets: float array (n, n_classes), one-hot.
            rows: rows of `features` to train on, and those that decide when to stop.
            class_weights: weight of each class in the loss.
            settings: hyper-parameters.

        Returns:
            One row per epoch: `epoch, loss, accuracy, val_loss, val_accuracy`.

        Raises:
            TrainingError: if a class has no training row, or there is no validation row.
        """
        check_rows(targets, rows)
        tail = self._start.again(settings)

        def read(chosen: NDArray[np.intp]) -> tuple[Any, NDArray[np.float32]]:
            return self.cut.part(features[chosen]), targets[chosen]

        return fit_compiled(
            tail,
            ShuffledBatches(read, rows.train, settings.batch_size, settings.seed),
            ShuffledBatches(read, rows.validation, settings.batch_size),
            class_weights,
            settings,
        )
