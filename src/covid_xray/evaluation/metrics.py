"""Scores of a classifier from counts (Report A, section Comparaison des modèles)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def count_predictions(
    labels: ArrayLike, predicted: ArrayLike, classes: ArrayLike
) -> NDArray[np.int64]:
    """Confusion matrix (n_classes, n_classes): true class by row, predicted class by column."""
    # Here, because scikit-learn takes seconds to load and every kedro command imports this file.
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, predicted, labels=classes).astype(np.int64)  # type: ignore[no-any-return]


def balance_classes(confusion: NDArray[np.generic]) -> NDArray[np.float64]:
    """Weigh every image by 1/n of its class, as if each class were equally frequent.

    Report A's test set was balanced; this scores a test set at its natural prevalence on the
    same footing.

    Args:
        confusion: array (..., n_classes, n_classes) of counts.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    per_class = counts.sum(axis=-1, keepdims=True)
    return _ratio(counts, per_class)


def scores_by_class(confusion: NDArray[np.generic]) -> dict[str, NDArray[np.float64]]:
    """Precision, recall and F1 of each class.

    A class that is never predicted has precision 0, and one without images recall 0, as in
    scikit-learn's `zero_division=0`.

    Args:
        confusion: array (..., n_classes, n_classes), counts or weights; any leading axes.

    Returns:
        `precision, recall, f1_score`, each an array (..., n_classes).
    """
    weights = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(weights, axis1=-2, axis2=-1)
    precision = _ratio(hits, weights.sum(axis=-2))
    recall = _ratio(hits, weights.sum(axis=-1))
    f1_score = _ratio(2 * precision * recall, precision + recall)
    return {"precision": precision, "recall": recall, "f1_score": f1_score}


def accuracy_score(confusion: NDArray[np.generic]) -> NDArray[np.float64]:
    """Share of the images, or of their weight, that is predicted right; 0 without images.

    Args:
        confusion: array (..., n_classes, n_classes), counts or weights; any leading axes.
    """
    weights = np.asarray(confusion, dtype=np.float64)
    return _ratio(np.trace(weights, axis1=-2, axis2=-1), weights.sum(axis=(-2, -1)))


def roc_auc_of_counts(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Area under the ROC curve: how often a positive outscores a negative, ties counting half.

    Equals scikit-learn's `roc_auc_score` with counts as weights (Hanley & McNeil, 1982), for
    many bootstrap samples at once.

    Args:
        counts: negatives and positives, or their weights, at each distinct score, highest score
            first, (..., 2, n_scores).

    Returns:
        Areas (...), 0 to 1; NaN without negatives or without positives.
    """
    negatives, positives = counts[..., 0, :], counts[..., 1, :]
    # Twice the pairs, which are then integers: a perfect classifier has exactly 1.
    above = 2 * positives.cumsum(axis=-1) - positives
    return _ratio((negatives * above).sum(axis=-1), 2 * _pairs(counts), of_none=np.nan)


def average_precision_of_counts(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Average precision: the mean, over positives, of the precision at each one's score.

    Equals scikit-learn's `average_precision_score` with counts as weights, for many bootstrap
    samples at once.

    Args:
        counts: negatives and positives, or their weights, at each distinct score, highest score
            first, (..., 2, n_scores).

    Returns:
        Averages (...), 0 to 1; NaN without negatives or without positives.
    """
    positives = counts[..., 1, :]
    # A score that was not drawn, nor any above it, has no precision, and no positives either.
    precisions = _ratio(positives.cumsum(axis=-1), counts.sum(axis=-2).cumsum(axis=-1))
    averages = _ratio((positives * precisions).sum(axis=-1), positives.sum(axis=-1))
    return np.where(_pairs(counts) > 0, averages, np.nan)


def _pairs(counts: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(counts.sum(axis=-1).prod(axis=-1))


def _ratio(
    part: NDArray[np.generic], whole: NDArray[np.generic], of_none: float = 0.0
) -> NDArray[np.float64]:
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.divide(part, whole, out=np.full(shape, of_none), where=whole > 0)  # type: ignore[operator]
