"""Training on batches that hold as many radiographs of each group (Report B).

The report's generator balances every batch between COVID and the rest, and turns each radiograph
anew each time it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.training.batches import ShuffledBatches, SplitRows, balanced_order
from covid_xray.training.fitting import check_rows, fit_compiled
from covid_xray.training.settings import TrainingSettings, ViewSettings

Pixels = NDArray[np.float32]


def class_proportions(labels_of: Mapping[str, pd.Series], seed: int) -> pd.DataFrame:
    """Classes among training radiographs, and in the balanced batches of the first epoch.

    Args:
        labels_of: classes of the training radiographs under each question.
        seed: seed of the batches.

    Returns:
        `question, sampling` (`as they are`, `in balanced batches`), `label, n_radiographs, share`.
    """
    records = []
    for question, labels in labels_of.items():
        order = balanced_order(pd.factorize(labels, sort=True)[0], seed, 0)
        samplings = {"as they are": labels, "in balanced batches": labels.iloc[order]}
        records += [
            (question, sampling, label, n, n / len(drawn))
            for sampling, drawn in samplings.items()
            for label, n in drawn.value_counts().sort_index().items()
        ]
    columns = ["question", "sampling", "label", "n_radiographs", "share"]
    return pd.DataFrame(records, columns=columns)


def random_views(settings: ViewSettings, seed: int) -> Callable[[Pixels], Pixels]:
    """Flips along both axes and rotations, drawn anew for each radiograph at each call.

    Report B's `RandomFlip` along both axes and `RandomRotation(0.1)`; what a rotation brings in
    from outside is black, as it is around the lungs.

    Args:
        settings: how far radiographs are turned.
        seed: seed of the draws.

    Returns:
        A function of float32 arrays (n, side, side, 1), 0-255.
    """
    layers = keras.layers
    # Keras 3 draws once for both axes of "horizontal_and_vertical": half a turn, or nothing.
    axes = ("horizontal", "vertical") if settings.flips else ()
    turns = [layers.RandomFlip(axis, seed=seed + place) for place, axis in enumerate(axes)]
    if settings.rotation:
        turns.append(layers.RandomRotation(settings.rotation, fill_mode="constant", seed=seed + 2))

    def view(pixels: Pixels) -> Pixels:
        flow: Any = pixels
        for turn in turns:
            flow = turn(flow, training=True)
        return np.asarray(keras.ops.convert_to_numpy(flow), dtype=np.float32)

    return view


def train_balanced(
    model: keras.Model,
    read_pixels: Callable[[NDArray[np.intp]], Pixels],
    *,
    targets: NDArray[np.float32],
    rows: SplitRows,
    views: ViewSettings,
    settings: TrainingSettings,
) -> pd.DataFrame:
    """Train a classifier in place on balanced batches; the best validation loss is kept.

    Validation radiographs come as they are, each once. Their classes weigh the same in the loss, as
    they do in training: at their own prevalence, the epoch that is kept would find fewer COVID.

    Args:
        model: compiled classifier of grey radiographs.
        read_pixels: float32 array (k, side, side, 1), 0-255, for k row numbers.
        targets: float array (n, n_classes), one-hot; batches are balanced between the classes.
        rows: rows to train on, and those that decide when to stop.
        views: how training radiographs are turned.
        settings: hyper-parameters.

    Returns:
        One row per epoch: `epoch, loss, accuracy, val_loss, val_accuracy`.

    Raises:
        TrainingError: if a class has no training row, there is no validation row, or a batch
            can't be shared out evenly.
    """
    check_rows(targets, rows)
    turned = random_views(views, settings.seed)
    training = ShuffledBatches(
        lambda chosen: (turned(read_pixels(chosen)), targets[chosen]),
        rows.train,
        settings.batch_size,
        settings.seed,
        groups=targets[rows.train].argmax(axis=1),
    )
    weights = _equal_class_weights(targets, rows.validation)
    validation = ShuffledBatches(
        lambda chosen: (read_pixels(chosen), targets[chosen], weights[chosen]),
        rows.validation,
        settings.batch_size,
    )
    return fit_compiled(model, training, validation, [1.0] * targets.shape[1], settings)


def _equal_class_weights(
    targets: NDArray[np.float32], rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Weight of every row, (n,), with which each class among some rows has the same sum."""
    per_class = targets[rows].sum(axis=0)
    n_present = np.count_nonzero(per_class)
    weights: NDArray[np.float32] = targets @ (len(rows) / n_present / np.maximum(per_class, 1))
    return weights.astype(np.float32)
