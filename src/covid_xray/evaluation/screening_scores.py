"""Scores of a screening question: COVID against the rest (Report B, Résultats).

Report B trains on two classes. A classifier of four answers its question too, so that both are
scored on the same footing: by what they decide, and by their probability of COVID.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import (
    GroupCounts,
    Intervals,
    count_groups,
    count_kinds,
    interval_of_draws,
    proportion_interval,
    resample,
    share_interval,
    smallest_class,
    with_bounds,
)
from covid_xray.evaluation.metrics import (
    accuracy_score,
    average_precision_of_counts,
    balance_classes,
    count_predictions,
    roc_auc_of_counts,
    scores_by_class,
)
from covid_xray.evaluation.predictions import groups_of, probability_column, select_split
from covid_xray.evaluation.scoring import COVID
from covid_xray.split import Split

_DECISION_SCORES = ("accuracy", "balanced_accuracy", "recall", "precision", "f1_score")
SCREENING_SCORES = (*_DECISION_SCORES, "roc_auc", "pr_auc")
# The two sides, and their positions in every array of counts.
_SIDES = (False, True)
_NEGATIVE, _POSITIVE = 0, 1
_RATES = {"sensitivity": _POSITIVE, "specificity": _NEGATIVE}
_RESAMPLES_AT_A_TIME = 100


def screening_view(predictions: pd.DataFrame, positive: str = COVID) -> pd.DataFrame:
    """Predictions of two classes or of many, as answers to one question (Report B).

    Args:
        predictions: `image_id, split, label, predicted` and `probability_<class>` per class.
        positive: the class to look for; all others are negative.

    Returns:
        The same rows: `image_id, group_id, split, is_positive` (bool), `predicted_positive`
        (bool), and `score` (float64), the probability of the positive class.

    Raises:
        ValueError: the positive class has no probability column, or a probability in it is NaN.
    """
    column = probability_column(positive)
    if column not in predictions:
        raise ValueError(f"the predictions have no column {column}")
    scores = predictions[column].astype(np.float64)
    if scores.isna().any():
        raise ValueError(f"{column} is NaN for {scores.isna().sum()} radiographs")
    return predictions[["image_id", "split"]].assign(
        group_id=groups_of(predictions),
        is_positive=(predictions["label"] == positive).astype(np.bool_),
        predicted_positive=(predictions["predicted"] == positive).astype(np.bool_),
        score=scores,
    )


def screening_scores(
    is_positive: NDArray[np.bool_],
    predicted_positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
) -> dict[str, float]:
    """All of `SCREENING_SCORES` at the natural prevalence, as Report B's tables have it.

    Args:
        is_positive: truth, bool array (n,).
        predicted_positive: decision, bool array (n,).
        scores: larger where a radiograph looks more positive, (n,).

    Returns:
        Each score by name; `pr_auc` is the average precision. Precision is 0 if nothing is
        predicted positive, and recall 0 without positives. Balanced accuracy and both areas
        under curves are NaN if there are only positives or only negatives.
    """
    # Here, because scikit-learn takes seconds to load and every kedro command imports this file.
    from sklearn.metrics import average_precision_score, roc_auc_score

    decisions = _scores_of_decisions(count_predictions(is_positive, predicted_positive, _SIDES))
    areas = {"roc_auc": roc_auc_score, "pr_auc": average_precision_score}
    has_both = is_positive.any() and not is_positive.all()
    return {name: float(score) for name, score in decisions.items()} | {
        name: float(area(is_positive, scores)) if has_both else float("nan")
        for name, area in areas.items()
    }


def score_screening(
    predictions: pd.DataFrame, intervals: Intervals, *, positive: str = COVID
) -> dict[str, float]:
    """Screening scores of the test split with intervals (Report B, Résultats).

    Positives and negatives are resampled separately, so that every sample has the test split's own
    prevalence; duplicate groups (`group_id`) are drawn whole, where they are known.

    Args:
        predictions: `image_id, split, label, predicted` and `probability_<class>` per class.
        positive: the class to look for.
        intervals: of the scores.

    Returns:
        Each of `SCREENING_SCORES` as `<score>, <score>_low, <score>_high`, then `n_test` and
        `n_positive`. A score that is NaN has NaN bounds; see `screening_scores`.

    Raises:
        ValueError: the test split is empty; or as `screening_view` raises.
    """
    rows = select_split(screening_view(predictions, positive), Split.TEST)
    truth, decision, score = _as_arrays(rows)
    values = screening_scores(truth, decision, score)
    draws = _resample_scores(truth, decision, score, rows["group_id"], intervals)
    groups = _group_decisions(truth, decision, rows["group_id"])
    n = smallest_class(groups)
    bounds = {name: interval_of_draws(draws[name], intervals, n) for name in SCREENING_SCORES}
    if not any(own.has_siblings for own in groups):
        hits = count_kinds(groups)
        bounds["accuracy"] = proportion_interval(int(np.trace(hits)), len(truth), intervals)
        bounds["recall"] = proportion_interval(hits[1, 1], hits[1].sum(), intervals)
    row: dict[str, float] = {}
    for name in SCREENING_SCORES:
        row |= with_bounds(name, values[name], bounds[name])
    return row | {"n_test": len(truth), "n_positive": int(truth.sum())}


def choose_threshold(
    is_positive: NDArray[np.bool_], scores: NDArray[np.float64], sensitivity: float
) -> float:
    """The highest threshold that finds at least a given share of the positives.

    Whatever scores at or above the threshold counts as found; the threshold is the score of a
    positive.

    Args:
        is_positive: truth, bool array (n,).
        scores: larger where a radiograph looks more positive, (n,).
        sensitivity: share of the positives to find, above 0 and up to 1.

    Raises:
        ValueError: there is no positive, or the sensitivity is not above 0 and up to 1.
    """
    if not 0 < sensitivity <= 1:
        raise ValueError(f"a sensitivity is above 0 and up to 1, not {sensitivity}")
    falling = np.sort(scores[is_positive])[::-1]
    if not len(falling):
        raise ValueError("there is no positive radiograph to choose a threshold by")
    # Shares as they will be computed when the threshold is applied, so that rounding agrees.
    found = np.arange(1, len(falling) + 1) / len(falling)
    return float(falling[np.argmax(found >= sensitivity)])


def operating_point(
    predictions: pd.DataFrame,
    intervals: Intervals,
    *,
    sensitivity: float,
    positive: str = COVID,
) -> dict[str, float]:
    """A threshold chosen on the validation split, and what it is worth on the test split.

    Report B decides at the largest probability; who screens wants to miss few patients, and
    asks what that costs. The intervals hold the threshold fixed.

    Args:
        predictions: `image_id, split, label, predicted` and `probability_<class>` per class.
        sensitivity: share of the validation positives to find, above 0 and up to 1.
        positive: the class to look for.
        intervals: of the scores.

    Returns:
        `threshold, wanted_sensitivity, validation_sensitivity, validation_specificity`; on the
        test split `sensitivity` and `specificity`, each with `_low` and `_high`; and
        `n_validation_positive`, and `n_positive` and `n_negative` of the test split. A rate of
        no radiographs is NaN, and so are its bounds.

    Raises:
        ValueError: the validation or test split is empty, or as `screening_view` and
            `choose_threshold` raise.
    """
    view = screening_view(predictions, positive)
    truth, _, score = _as_arrays(select_split(view, Split.VALIDATION))
    test = select_split(view, Split.TEST)
    test_truth, _, test_score = _as_arrays(test)
    threshold = choose_threshold(truth, score, sensitivity)
    before = _rates(count_predictions(truth, score >= threshold, _SIDES))
    groups = _group_decisions(test_truth, test_score >= threshold, test["group_id"])
    decisions = count_kinds(groups)
    rates, draws = _rates(decisions), _rates(resample(groups, intervals))
    row = {"threshold": threshold, "wanted_sensitivity": sensitivity}
    row |= {f"validation_{name}": float(before[side]) for name, side in _RATES.items()}
    for name, side in _RATES.items():
        bounds = share_interval(groups[side], side, draws[..., side], intervals)
        empty = (float("nan"), float("nan"))
        row |= with_bounds(name, float(rates[side]), bounds if decisions[side].any() else empty)
    n_negative, n_positive = decisions.sum(axis=1).tolist()
    sizes = {"n_positive": n_positive, "n_negative": n_negative}
    return row | {"n_validation_positive": int(truth.sum())} | sizes


def _as_arrays(
    rows: pd.DataFrame,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Truth, decision and score of the radiographs of a view, each (n,)."""
    truth, decision = (
        rows[name].to_numpy(np.bool_) for name in ("is_positive", "predicted_positive")
    )
    return truth, decision, rows["score"].to_numpy(np.float64)


def _group_decisions(
    truth: NDArray[np.bool_], decision: NDArray[np.bool_], groups: pd.Series
) -> list[GroupCounts]:
    """Negatives and positives by what is decided, those of a duplicate group together."""
    return count_groups(truth.astype(np.intp), decision.astype(np.intp), groups, (2, 2))


def _rates(decisions: NDArray[np.generic]) -> NDArray[np.float64]:
    """Specificity and sensitivity (..., 2) of counts (..., 2, 2); NaN of a side that is empty."""
    right = np.diagonal(balance_classes(decisions), axis1=-2, axis2=-1)
    return np.where(decisions.any(axis=-1), right, np.nan)


def _scores_of_decisions(decisions: NDArray[np.generic]) -> dict[str, NDArray[np.float64]]:
    """The scores of counts (..., 2, 2) that need no probability, as arrays (...)."""
    by_side = scores_by_class(decisions)
    return {
        "accuracy": accuracy_score(decisions),
        "balanced_accuracy": _rates(decisions).mean(axis=-1),
    } | {name: by_side[name][..., _POSITIVE] for name in ("recall", "precision", "f1_score")}


def _resample_scores(
    is_positive: NDArray[np.bool_],
    predicted_positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    groups: pd.Series,
    intervals: Intervals,
) -> dict[str, NDArray[np.float64]]:
    """All of `SCREENING_SCORES` of every sample and posterior draw, each (2, n_resamples)."""
    # Radiographs of one score and decision are of one kind. The posterior knows half a radiograph
    # beforehand that scores above all others and is found, and half a one below that is not.
    seen = np.column_stack((-scores, predicted_positive))
    extremes = [(-np.inf, True), (np.inf, False)]
    kinds, kind = np.unique(np.vstack((seen, extremes)), axis=0, return_inverse=True)
    prior = np.zeros(len(kinds))
    prior[[0, -1]] = 0.5
    sides = is_positive.astype(np.intp)
    counts = count_groups(sides, kind.ravel()[: len(seen)], groups, (2, len(kinds)))
    found = kinds[:, 1].astype(np.bool_)
    # Where a new score begins. NaN, which differs from any, makes the first one begin.
    starts = np.flatnonzero(np.diff(kinds[:, 0], prepend=np.nan))
    draws = resample(counts, intervals, prior)
    n_pieces = math.ceil(intervals.n_resamples / _RESAMPLES_AT_A_TIME)
    # Sums of all samples at once would need several times the memory of the draws.
    pieces = [
        _scores_of_kinds(piece, found, starts) for piece in np.array_split(draws, n_pieces, axis=1)
    ]
    return {
        name: np.concatenate([piece[name] for piece in pieces], axis=1) for name in SCREENING_SCORES
    }


def _scores_of_kinds(
    counts: NDArray[np.float64], found: NDArray[np.bool_], starts: NDArray[np.intp]
) -> dict[str, NDArray[np.float64]]:
    """All scores (...) of counts (..., 2, n_kinds), highest score first."""
    decisions = np.stack([counts[..., kinds].sum(axis=-1) for kinds in (~found, found)], axis=-1)
    by_score = np.add.reduceat(counts, starts, axis=-1)
    return _scores_of_decisions(decisions) | {
        "roc_auc": roc_auc_of_counts(by_score),
        "pr_auc": average_precision_of_counts(by_score),
    }
