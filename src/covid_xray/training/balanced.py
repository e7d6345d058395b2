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

from covid_xray.training.fitting import ShuffledBatches, TrainingError, check_rows, fit_compiled
from covid_xray.training.settings import TrainingSettings, ViewSettings

Pixels = NDArray[np.float32]


def balanced_order(groups: NDArray[np.intp], seed: int, epoch: int) -> NDArray[np.intp]:
    """Positions of one epoch, in which every run of n_groups has one of each group.

    An epoch shows each member of the smallest group once, and as many of every other group.
    These take turns: none comes again before all others of its group have come.

    Args:
        groups: group of each example, (n,).
        seed: seed of the order.
        epoch: number of the epoch, from 0.

    Returns:
        Positions in `groups`, (n_groups * size of the smallest group,).
    """
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    smallest = min(map(len, members), default=0)
    drawn = [
        _take_turns(own, epoch * smallest, smallest, [seed, place])
        for place, own in enumerate(members)
    ]
    return np.stack(drawn, axis=1).ravel() if drawn else np.empty(0, np.intp)


def _take_turns(
    members: NDArray[np.intp], start: int, count: int, seed: list[int]
) -> NDArray[np.intp]:
    """A stretch of the endless sequence of rounds, in each of which every member comes once."""
    first, last = start // len(members), (start + count - 1) // len(members)
    rounds = [
        np.random.default_rng([*seed, number]).permutation(members)
        for number in range(first, last + 1)
    ]
    offset = start - first * len(members)
    return np.concatenate(rounds)[offset : offset + count]


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


class BalancedBatches(ShuffledBatches):
    """Shuffled batches with exactly as many examples of each group, the last one included.

    Args:
        read: gives the model's inputs and targets for an array of row numbers.
        rows: row numbers of the examples.
        groups: group of each example, (len(rows),).
        batch_size: examples per batch, a multiple of the number of groups.
        seed: seed of the order.

    Raises:
        TrainingError: if `batch_size` can't be shared out evenly.
    """

    def __init__(
        self,
        read: Callable[[NDArray[np.intp]], tuple[Any, Any]],
        rows: NDArray[np.intp],
        groups: NDArray[np.intp],
        batch_size: int,
        seed: int,
    ) -> None:
        n_groups = len(np.unique(groups))
        if n_groups and batch_size % n_groups:
            raise TrainingError(
                f"batch_size is {batch_size}, which {n_groups} groups can't share evenly: make it "
                f"a multiple of {n_groups} (screening.training)."
            )
        self._groups, self._order_seed = groups, seed
        super().__init__(read, rows, batch_size, seed)

    def _new_order(self) -> NDArray[np.intp]:
        return balanced_order(self._groups, self._order_seed, self._epoch)


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
    train_rows: NDArray[np.intp],
    validation_rows: NDArray[np.intp],
    views: ViewSettings,
    settings: TrainingSettings,
) -> pd.DataFrame:
    """Train a classifier in place on balanced batches; the best validation loss is kept.

    Validation radiographs come as they are, at their own prevalence.

    Args:
        model: compiled classifier of grey radiographs.
        read_pixels: float32 array (k, side, side, 1), 0-255, for k row numbers.
        targets: float array (n, n_classes), one-hot; batches are balanced between the classes.
        train_rows: rows to train on.
        validation_rows: rows that decide when to stop.
        views: how training radiographs are turned.
        settings: hyper-parameters.

    Returns:
        One row per epoch: `epoch, loss, accuracy, val_loss, val_accuracy`.

    Raises:
        TrainingError: if a class has no training row, there is no validation row, or a batch
            can't be shared out evenly.
    """
    check_rows(targets[train_rows], len(validation_rows))
    turned = random_views(views, settings.seed)
    training = BalancedBatches(
        lambda rows: (turned(read_pixels(rows)), targets[rows]),
        train_rows,
        targets[train_rows].argmax(axis=1),
        settings.batch_size,
        settings.seed,
    )
    validation = ShuffledBatches(
        lambda rows: (read_pixels(rows), targets[rows]), validation_rows, settings.batch_size
    )
    return fit_compiled(model, training, validation, [1.0] * targets.shape[1], settings)
