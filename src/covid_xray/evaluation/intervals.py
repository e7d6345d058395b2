"""Intervals of scores that keep their coverage at the boundary too.

A percentile bootstrap (Efron & Tibshirani, 1993) knows nothing but what it saw: where all 7
radiographs of a class are found it says 100 % [100-100]. Draws from what the same counts leave open
(a Bayesian bootstrap, Rubin 1981, with a reference prior of one radiograph in all, Berger et al.
2015) know better, and are too sure elsewhere. An interval here is the union of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.sparse import csr_array

from covid_xray.parameters import StrictParameters


class Intervals(StrictParameters):
    """Intervals of every score.

    Attributes:
        n_resamples: bootstrap samples, and as many draws from the posterior distribution.
        confidence: coverage of the interval, 0 to 1.
        seed: seed of both.
    """

    n_resamples: int = Field(ge=100)
    confidence: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)


class GroupCounts(NamedTuple):
    """The duplicate groups of one class, by what became of their radiographs.

    Attributes:
        patterns: counts of a group's radiographs by kind, sparse (n_patterns, n_kinds).
        times: how many groups have each, (n_patterns,).
    """

    patterns: csr_array
    times: NDArray[np.int64]

    @property
    def has_siblings(self) -> bool:
        """Whether a group has several radiographs: they count for less than as many groups."""
        return bool((self.patterns.sum(axis=1) > 1).any())

    @property
    def n(self) -> int:
        """Number of groups."""
        return int(self.times.sum())


def count_groups(
    classes: NDArray[np.intp], kinds: NDArray[np.intp], groups: ArrayLike, shape: tuple[int, int]
) -> list[GroupCounts]:
    """Count radiographs by class and kind, those of a duplicate group together.

    Args:
        classes: position of each radiograph's class, (n,).
        kinds: position of what became of it, such as its predicted class, (n,).
        groups: its duplicate group, (n,).
        shape: number of classes, and of kinds.
    """
    names = np.asarray(groups).astype(str)
    of_class = (classes == place for place in range(shape[0]))
    return [_groups_of_class(kinds[own], names[own], shape[1]) for own in of_class]


def _groups_of_class(
    kinds: NDArray[np.intp], groups: NDArray[np.str_], n_kinds: int
) -> GroupCounts:
    names, members = np.unique(groups, return_inverse=True)
    if len(names) == len(groups):
        # Radiographs of one kind are interchangeable.
        present, times = np.unique(kinds, return_counts=True)
        ones = np.ones(len(present), np.int64)
        pattern = csr_array((ones, (np.arange(len(present)), present)), (len(present), n_kinds))
        return GroupCounts(pattern, times)
    ones = np.ones(len(groups), np.int64)
    patterns = csr_array((ones, (members, kinds)), (len(names), n_kinds))
    return GroupCounts(patterns, np.ones(len(names), np.int64))


def count_kinds(groups: Sequence[GroupCounts]) -> NDArray[np.int64]:
    """Radiographs by class and kind, (n_classes, n_kinds), such as a confusion matrix."""
    return np.stack([own.times @ own.patterns for own in groups])


def resample(
    groups: Sequence[GroupCounts], intervals: Intervals, prior: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Counts by class and kind: of bootstrap samples of groups, and posterior draws.

    Every class keeps its number of radiographs.

    Args:
        groups: the groups of each class, as `count_groups` gives them.
        intervals: how many of both, and their seed.
        prior: radiographs of each kind that the posterior knows of beforehand, (n_kinds,); one in
            all, in equal parts, if None.

    Returns:
        Weights (2, n_resamples, n_classes, n_kinds): samples first, then posterior draws.
    """
    rng = np.random.default_rng(intervals.seed)
    return np.stack([_resample_class(own, intervals, prior, rng) for own in groups], axis=2)


def _resample_class(
    own: GroupCounts,
    intervals: Intervals,
    prior: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    n_groups, n_kinds = own.times.sum(), own.patterns.shape[1]
    if not n_groups:
        return np.zeros((2, intervals.n_resamples, n_kinds))
    prior = np.full(n_kinds, 1 / n_kinds) if prior is None else prior
    n = (own.times @ own.patterns).sum()
    samples = rng.multinomial(n_groups, own.times / n_groups, intervals.n_resamples)
    weights = rng.standard_gamma(own.times, (intervals.n_resamples, len(own.times)))
    unseen = rng.standard_gamma(prior, (intervals.n_resamples, n_kinds)) * n / n_groups
    both = np.stack([samples @ own.patterns, weights @ own.patterns + unseen])
    return np.asarray(both * (n / both.sum(axis=-1, keepdims=True)))


def smallest_class(groups: Sequence[GroupCounts]) -> int:
    """Duplicate groups of the smallest class that has any."""
    return min(own.n for own in groups if own.n)


def interval_of_draws(
    draws: NDArray[np.float64], intervals: Intervals, n: int
) -> tuple[float, float]:
    """Lower and upper bound that hold the percentile intervals of all rows.

    Args:
        draws: a score of every draw, (..., n_resamples).
        intervals: their confidence.
        n: radiographs that were drawn from. Of few, samples spread too little: quantiles are taken
            further out, as far as Student's are from the normal ones (Hesterberg, 2015).
    """
    # Here, because SciPy's statistics take a while to load.
    from scipy.stats import norm, t

    n = max(n, 2)
    student = t.ppf((1 - intervals.confidence) / 2, n - 1) * np.sqrt(n / (n - 1))
    tail = norm.cdf(student)
    low, high = np.quantile(draws, [tail, 1 - tail], axis=-1)
    return float(low.min()), float(high.max())


def proportion_interval(hits: int, total: int, intervals: Intervals) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share of independent radiographs; 0 to 1 of none."""
    if not total:
        return 0.0, 1.0
    from scipy.stats import binomtest

    bounds = binomtest(int(hits), int(total)).proportion_ci(intervals.confidence, "wilson")
    return float(bounds.low), float(bounds.high)


def share_interval(
    own: GroupCounts, kind: int, draws: NDArray[np.float64], intervals: Intervals
) -> tuple[float, float]:
    """Interval of the share of a class that is of one kind: Wilson's, unless it has siblings.

    Args:
        own: the groups of the class.
        kind: position of the kind.
        draws: the share in every draw, (2, n_resamples).
        intervals: their confidence.
    """
    if own.has_siblings:
        return interval_of_draws(draws, intervals, own.n)
    counts = own.times @ own.patterns
    return proportion_interval(counts[kind], counts.sum(), intervals)


def with_bounds(name: str, value: float, bounds: tuple[float, float]) -> dict[str, float]:
    """A score and its bounds as `<name>, <name>_low, <name>_high`."""
    return {name: value, f"{name}_low": bounds[0], f"{name}_high": bounds[1]}


def mean_interval(
    values: NDArray[np.floating], intervals: Intervals, possible: tuple[float, float] = (0, 1)
) -> tuple[float, float]:
    """Interval of the mean of a score per radiograph.

    Args:
        values: the scores, (n,).
        intervals: how many draws, and their seed.
        possible: the lowest and highest score that there could be; the posterior knows half a
            radiograph of each beforehand.
    """
    rng = np.random.default_rng(intervals.seed)
    all_values = np.concatenate([values, possible])
    shapes = np.concatenate([np.ones(len(values)), [0.5, 0.5]])
    samples, draws = np.empty((2, intervals.n_resamples))
    # One at a time: all samples at once would not fit a large study.
    for number in range(intervals.n_resamples):
        samples[number] = rng.choice(values, len(values)).mean()
        weights = rng.standard_gamma(shapes)
        draws[number] = weights @ all_values / weights.sum()
    return interval_of_draws(np.stack([samples, draws]), intervals, len(values))
