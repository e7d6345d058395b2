"""Bootstrap intervals of scores that come from a confusion matrix (Efron & Tibshirani, 1993)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resample_confusion(
    confusion: NDArray[np.int64], n_resamples: int, seed: int
) -> NDArray[np.int64]:
    """Confusion matrices of bootstrap samples, drawn class by class.

    Drawing n images of a class with replacement draws its row of the matrix from a multinomial
    distribution, so the images themselves are not needed.

    Args:
        confusion: counts (n_classes, n_classes).
        n_resamples: number of bootstrap samples.
        seed: seed of the draw.

    Returns:
        Counts (n_resamples, n_classes, n_classes).
    """
    rng = np.random.default_rng(seed)
    totals = confusion.sum(axis=1)
    rows = [
        rng.multinomial(total, row / max(total, 1) if total else _first_only(len(row)), n_resamples)
        for total, row in zip(totals, confusion, strict=True)
    ]
    return np.stack(rows, axis=1)


def percentile_interval(resampled: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Lower and upper bound of a percentile bootstrap interval."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def _first_only(length: int) -> NDArray[np.float64]:
    # A class without images: zero draws from any distribution.
    first: NDArray[np.float64] = np.eye(1, length)[0]
    return first


def mean_interval(
    values: NDArray[np.floating], n_resamples: int, confidence: float, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of a score per radiograph.

    Args:
        values: one score per radiograph, (n,).
        n_resamples: number of bootstrap samples.
        confidence: coverage of the interval, 0 to 1.
        seed: seed of the draw.
    """
    rng = np.random.default_rng(seed)
    # One sample at a time: all index arrays at once would not fit a large study.
    means = [rng.choice(values, len(values)).mean() for _ in range(n_resamples)]
    return percentile_interval(np.array(means), confidence)
