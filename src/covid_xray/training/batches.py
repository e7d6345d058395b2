"""Batches of a training, in an order that the seed and the epoch fix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray


class TrainingError(ValueError):
    """Data that a classifier can't be trained on; the message says what is missing."""


class SplitRows(NamedTuple):
    """Row numbers to train on, and to validate on.

    Attributes:
        train: rows to train on.
        validation: rows that decide nothing but when to stop, and what is kept.
    """

    train: NDArray[np.intp]
    validation: NDArray[np.intp]

    def check(self, of_what: str) -> None:
        """Refuse rows that no network can be trained on.

        Raises:
            TrainingError: if there is no training or no validation row.
        """
        if not len(self.train) or not len(self.validation):
            raise TrainingError(
                f"A training needs {of_what} to train on and to validate on, and there are "
                f"{len(self.train)} and {len(self.validation)}."
            )


class ShuffledBatches(keras.utils.PyDataset):
    """Batches of inputs and targets, in an order that the seed and the epoch fix.

    Args:
        read: gives the model's inputs, targets and perhaps weights for an array of row numbers.
        rows: row numbers of the examples.
        batch_size: examples per batch; with groups, the next multiple of their number.
        seed: seed of the order; None keeps the given order, for evaluation.
        groups: group of each example, (len(rows),), if every batch, the last one included, is to
            hold exactly as many examples of each.
    """

    def __init__(
        self,
        read: Callable[[NDArray[np.intp]], tuple[Any, ...]],
        rows: NDArray[np.intp],
        batch_size: int,
        seed: int | None = None,
        groups: NDArray[np.intp] | None = None,
    ) -> None:
        super().__init__()
        n_groups = 1 if groups is None else len(np.unique(groups))
        if batch_size % n_groups:
            # Six classes can't share a batch of 32: it holds 36.
            batch_size += n_groups - batch_size % n_groups
        self._read, self._rows, self._groups = read, rows, groups
        self._batch_size, self._seed, self._epoch = batch_size, seed, 0
        self._order = self._new_order()

    def __len__(self) -> int:
        """Number of batches."""
        return math.ceil(len(self._order) / self._batch_size)

    def __getitem__(self, batch: int) -> tuple[Any, ...]:
        """What is read of one batch."""
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
        if self._groups is not None:
            return balanced_order(self._groups, self._seed, self._epoch)
        return np.random.default_rng([self._seed, self._epoch]).permutation(len(self._rows))


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
