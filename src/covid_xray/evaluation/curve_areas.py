"""Areas under curves of many bootstrap samples at once, from counts at each distinct score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def roc_auc_of_counts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area under the ROC curve: how often a positive outscores a negative, ties counting half.

    Equals scikit-learn's `roc_auc_score` with counts as weights (Hanley & McNeil, 1982), for
    many bootstrap samples at once.

    Args:
        counts: negatives and positives at each distinct score, highest score first,
            (..., 2, n_scores).

    Returns:
        Areas (...), 0 to 1; NaN without negatives or without positives.
    """
    negatives, positives = counts[..., 0, :], counts[..., 1, :]
    # Twice the pairs, which are then integers: a perfect classifier has exactly 1.
    above = 2 * positives.cumsum(axis=-1) - positives
    return _divide((negatives * above).sum(axis=-1), 2 * _pairs(counts))


def average_precision_of_counts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average precision: the mean, over positives, of the precision at each one's score.

    Equals scikit-learn's `average_precision_score` with counts as weights, for many bootstrap
    samples at once.

    Args:
        counts: negatives and positives at each distinct score, highest score first,
            (..., 2, n_scores).

    Returns:
        Averages (...), 0 to 1; NaN without negatives or without positives.
    """
    positives = counts[..., 1, :]
    # A score that was not drawn, nor any above it, has no precision, and no positives either.
    taken = np.maximum(counts.sum(axis=-2).cumsum(axis=-1), 1)
    precisions = positives.cumsum(axis=-1) / taken
    averages = _divide((positives * precisions).sum(axis=-1), positives.sum(axis=-1))
    return np.where(_pairs(counts) > 0, averages, np.nan)


def _pairs(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    pairs: NDArray[np.int64] = counts.sum(axis=-1).prod(axis=-1)
    return pairs


def _divide(part: NDArray[np.generic], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    nowhere = np.full(whole.shape, np.nan)
    shares: NDArray[np.float64] = np.divide(part, whole, out=nowhere, where=whole > 0)
    return shares
