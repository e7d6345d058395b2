"""Scores of each class, and what each class is taken for (Report A, Comparaison des modèles).

Table 5 has only averages and the COVID class; here are all classes, with bootstrap intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import percentile_interval, resample_confusion
from covid_xray.evaluation.metrics import (
    accuracy_score,
    balance_classes,
    count_predictions,
    scores_by_class,
)

ALL = "all"
"""The label of scores over all classes."""
_PROBABILITY = "probability_"


def predicted_classes(predictions: pd.DataFrame) -> list[str]:
    """The classes of a predictions table, in the order of its `probability_<class>` columns."""
    columns = (str(name) for name in predictions)
    return [name.removeprefix(_PROBABILITY) for name in columns if name.startswith(_PROBABILITY)]


def probability_column(label: str) -> str:
    """Name of the column that holds the predicted probability of a class."""
    return f"{_PROBABILITY}{label}"


def class_scores(
    predictions: pd.DataFrame,
    *,
    n_resamples: int,
    confidence: float,
    seed: int,
    balance: bool = True,
) -> pd.DataFrame:
    """Precision, recall and F1 of each class on the test split, their means, and accuracy.

    `value` weighs the classes equally, as if the test set were balanced like Report A's: accuracy
    is then the mean recall. `natural` is the same score at the test set's own prevalence.

    Args:
        predictions: `image_id, split, label, predicted` and `probability_<class>` per class.
        n_resamples: bootstrap samples.
        confidence: coverage of the intervals, 0 to 1.
        seed: seed of the resampling.
        balance: whether `value` weighs the classes equally; or else it is `natural`.

    Returns:
        `label, score, value, low, high, natural, support`: `precision, recall, f1_score` of each
        class in the order of the probability columns, then of `all` (their unweighted means), and
        last the `accuracy` of `all`. The bounds are of `value`; `support` counts radiographs. A
        class without test radiographs scores 0: its support says so.

    Raises:
        ValueError: the test split is empty, or has a class without a probability column.
    """
    classes = predicted_classes(predictions)
    confusion = _count_test_predictions(predictions, classes)
    resampled = resample_confusion(confusion, n_resamples, seed)
    natural = _scores_by_label(confusion, classes)
    values, draws = natural, _scores_by_label(resampled, classes)
    if balance:
        values, draws = (
            _scores_by_label(balance_classes(counts), classes) for counts in (confusion, resampled)
        )
    support = dict(zip(classes, confusion.sum(axis=1), strict=True)) | {ALL: confusion.sum()}
    rows: list[dict[str, Any]] = []
    for (label, score), value in values.items():
        low, high = percentile_interval(draws[label, score], confidence)
        rows.append(
            {"label": label, "score": score, "value": float(value), "low": low, "high": high,
             "natural": float(natural[label, score]), "support": int(support[label])}
        )  # fmt: skip
    return pd.DataFrame(rows)


def confusion_shares(
    predictions: pd.DataFrame, *, n_resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """What the test radiographs of each class are predicted to be, as shares of the class.

    Args:
        predictions: `image_id, split, label, predicted` and `probability_<class>` per class.
        n_resamples: bootstrap samples.
        confidence: coverage of the intervals, 0 to 1.
        seed: seed of the resampling.

    Returns:
        `label, predicted, count, share, low, high`, a row per pair of classes in the order of the
        probability columns, true class first. Shares of a class without radiographs are NaN.

    Raises:
        ValueError: the test split is empty, or has a class without a probability column.
    """
    classes = predicted_classes(predictions)
    confusion = _count_test_predictions(predictions, classes)
    shares = balance_classes(confusion)
    draws = balance_classes(resample_confusion(confusion, n_resamples, seed))
    rows: list[dict[str, Any]] = []
    for i, j in np.ndindex(confusion.shape):
        low, high = percentile_interval(draws[:, i, j], confidence)
        figures = (float(shares[i, j]), low, high) if confusion[i].any() else [float("nan")] * 3
        rows.append(
            {"label": classes[i], "predicted": classes[j], "count": int(confusion[i, j])}
            | dict(zip(("share", "low", "high"), figures, strict=True))
        )
    return pd.DataFrame(rows)


def _count_test_predictions(predictions: pd.DataFrame, classes: list[str]) -> NDArray[np.int64]:
    test = predictions[predictions["split"] == "test"]
    if test.empty:
        raise ValueError("the predictions have no radiographs of the test split")
    labels, predicted = test["label"].tolist(), test["predicted"].tolist()
    # Counting would leave them out without a word.
    unknown = sorted({*labels, *predicted} - set(classes))
    if unknown:
        raise ValueError(f"classes without a probability column: {', '.join(map(str, unknown))}")
    return count_predictions(labels, predicted, classes)


def _scores_by_label(
    confusion: NDArray[np.generic], classes: list[str]
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Each score of each class and of `all`, as arrays of the leading axes' shape."""
    by_class = scores_by_class(confusion)
    scores = {
        (label, name): values[..., place]
        for place, label in enumerate(classes)
        for name, values in by_class.items()
    }
    scores |= {(ALL, name): values.mean(axis=-1) for name, values in by_class.items()}
    return scores | {(ALL, "accuracy"): accuracy_score(confusion)}
