"""Bootstrap intervals of scores (Efron & Tibshirani, 1993)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from covid_xray.parameters import StrictParameters


class Intervals(StrictParameters):
    """Bootstrap intervals of every score.

    Attributes:
        n_resamples: bootstrap samples.
        confidence: coverage of the interval, 0 to 1.
        seed: seed of the resampling.
    """

    n_resamples: int = Field(ge=100)
    confidence: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)


def resample_confusion(confusion: NDArray[np.int64], intervals: Intervals) -> NDArray[np.int64]:
    """Confusion matrices of bootstrap samples, drawn class by class.

    Drawing n images of a class with replacement draws its row of the matrix from a multinomial
    distribution, so the images themselves are not needed.

    Args:
        confusion: counts (n_classes, n_kinds).
        intervals: how many samples, and their seed.

    Returns:
        Counts (n_resamples, n_classes, n_kinds).
    """
    rng = np.random.default_rng(intervals.seed)
    # A class without images draws none: any distribution will do.
    anywhere = np.eye(1, confusion.shape[1])[0]
    rows = [
        rng.multinomial(total, row / total if total else anywhere, intervals.n_resamples)
        for total, row in zip(confusion.sum(axis=1), confusion, strict=True)
    ]
    return np.stack(rows, axis=1)


def percentile_interval(
    resampled: NDArray[np.float64], intervals: Intervals
) -> tuple[float, float]:
    """Lower and upper bound of a percentile bootstrap interval."""
    tail = (1 - intervals.confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def with_bounds(
    name: str, value: float, resampled: NDArray[np.float64], intervals: Intervals
) -> dict[str, float]:
    """A score and its bounds as `<name>, <name>_low, <name>_high`."""
    low, high = percentile_interval(resampled, intervals)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def mean_interval(values: NDArray[np.floating], intervals: Intervals) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of a score per radiograph, (n,)."""
    rng = np.random.default_rng(intervals.seed)
    # One sample at a time: all index arrays at once would not fit a large study.
    means = [rng.choice(values, len(values)).mean() for _ in range(intervals.n_resamples)]
    return percentile_interval(np.array(means), intervals)
