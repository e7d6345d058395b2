"""The one scorer of predictions: every table of scores is a query on what it returns.

Scores weigh the classes equally, as if the test set were balanced like Report A's, and stand
beside those at the test set's own prevalence (Report A, Comparaison des modèles).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

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
)
from covid_xray.evaluation.metrics import (
    accuracy_score,
    balance_classes,
    scores_by_class,
)
from covid_xray.evaluation.predictions import groups_of, predicted_classes, select_split
from covid_xray.split import Split

ALL = "all"
"""The label of scores over all classes."""
COVID = "COVID"
"""The class of interest: both reports look for it, and columns `…_covid` are of it."""
RUN_KEYS = ("backbone", "run")
REPORT_SCORES = {
    f"{score}{suffix}": (label, score)
    for score in ("precision", "recall", "f1_score")
    for suffix, label in (("", ALL), ("_covid", COVID))
}
"""Columns of Table 5, and the label and score that each shows."""
FROZEN_SCORES = {"accuracy": (ALL, "accuracy"), "f1_score": (ALL, "f1_score")}
"""Columns of Tables 3 and 4, likewise."""
SCORE_COLUMNS = ("label", "score", "value", "low", "high", "natural", "support")
CONFUSION_COLUMNS = ("label", "predicted", "count", "share", "low", "high")
_SUFFIXES = {"": "value", "_low": "low", "_high": "high", "_natural": "natural"}
_Key = tuple[Any, ...]


def score_predictions(
    predictions: pd.DataFrame, intervals: Intervals, *, balance: bool = True
) -> pd.DataFrame:
    """Precision, recall and F1 of each class on the test split, their means, and accuracy.

    Args:
        predictions: of one run: `split, label, predicted` and `probability_<class>` per class.
        intervals: of the scores; duplicate groups (`group_id`) are drawn whole, where known.
        balance: whether `value` weighs the classes equally (accuracy is then the mean recall);
            or else it is `natural`, the score at the test set's own prevalence.

    Returns:
        `label, score, value, low, high, natural, support`: `precision, recall, f1_score` of each
        class in the order of the probability columns, then of `all` (their unweighted means), and
        last the `accuracy` of `all`. The bounds are of `value`; `support` counts radiographs. A
        class without test radiographs scores 0: its support says so.

    Raises:
        ValueError: the test split is empty, or has a class without a probability column.
    """
    classes, groups = _count_test_predictions(predictions)
    confusion = count_kinds(groups)
    weigh = balance_classes if balance else np.asarray
    draws = resample(groups, intervals)
    values, natural, drawn = (
        _scores_by_label(counts, classes) for counts in (weigh(confusion), confusion, weigh(draws))
    )
    n = smallest_class(groups)
    bounds = {place: interval_of_draws(drawn[place], intervals, n) for place in values}
    bounds |= _proportions(classes, groups, intervals, balance=balance)
    support = dict(zip((*classes, ALL), (*confusion.sum(axis=1), confusion.sum()), strict=True))
    rows = [
        (*place, float(value), *bounds[place], float(natural[place]), int(support[place[0]]))
        for place, value in values.items()
    ]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def _proportions(
    classes: Sequence[str], groups: Sequence[GroupCounts], intervals: Intervals, *, balance: bool
) -> dict[tuple[str, str], tuple[float, float]]:
    """Bounds of the scores that are shares of independent radiographs."""
    confusion = count_kinds(groups)
    found = {
        (label, "recall"): proportion_interval(confusion[i, i], confusion[i].sum(), intervals)
        for i, label in enumerate(classes)
        if not groups[i].has_siblings
    }
    if not balance and not any(own.has_siblings for own in groups):
        hits = int(np.trace(confusion))
        found[ALL, "accuracy"] = proportion_interval(hits, int(confusion.sum()), intervals)
    return found


def score_runs(
    predictions: pd.DataFrame,
    intervals: Intervals,
    *,
    balance: bool = True,
    keys: Sequence[str] = RUN_KEYS,
) -> pd.DataFrame:
    """`score_predictions` of every run that has test predictions.

    Args:
        predictions: as `score_predictions` takes them, of many runs, and the keys.
        intervals: of the scores.
        balance: whether `value` weighs the classes equally.
        keys: columns that name a run.

    Returns:
        The keys, then the columns of `score_predictions`; runs in the order of their first rows.

    Raises:
        ValueError: as `score_predictions` raises.
    """
    score = partial(score_predictions, intervals=intervals, balance=balance)
    return _over_runs(score, predictions, keys, SCORE_COLUMNS)


def confusion_shares(predictions: pd.DataFrame, intervals: Intervals) -> pd.DataFrame:
    """What the test radiographs of each class are predicted to be, as shares of the class.

    Args:
        predictions: of one run: `split, label, predicted` and `probability_<class>` per class.
        intervals: of the scores.

    Returns:
        `label, predicted, count, share, low, high`, a row per pair of classes in the order of the
        probability columns, true class first. Shares of a class without radiographs are NaN.

    Raises:
        ValueError: the test split is empty, or has a class without a probability column.
    """
    classes, groups = _count_test_predictions(predictions)
    confusion = count_kinds(groups)
    shares, draws = balance_classes(confusion), balance_classes(resample(groups, intervals))
    nothing = (float("nan"),) * 3

    def share(i: int, j: int) -> tuple[float, float, float]:
        bounds = share_interval(groups[i], j, draws[..., i, j], intervals)
        return (float(shares[i, j]), *bounds) if confusion[i].any() else nothing

    rows = [
        (classes[i], classes[j], int(confusion[i, j]), *share(i, j))
        for i, j in np.ndindex(confusion.shape)
    ]
    return pd.DataFrame(rows, columns=CONFUSION_COLUMNS)


def confusion_shares_of_runs(
    predictions: pd.DataFrame, intervals: Intervals, *, keys: Sequence[str] = RUN_KEYS
) -> pd.DataFrame:
    """`confusion_shares` of every run that has test predictions, behind the keys."""
    measure = partial(confusion_shares, intervals=intervals)
    return _over_runs(measure, predictions, keys, CONFUSION_COLUMNS)


def wide_scores(scores: pd.DataFrame, names: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Chosen scores of each run as one row.

    Args:
        scores: what `score_predictions` or `score_runs` returns.
        names: label and score by the name of a column, such as `REPORT_SCORES`.

    Returns:
        The keys, if any, then `<name>, <name>_low, <name>_high, <name>_natural`: NaN where a run
        does not know the label. Runs in the order of their first rows.
    """
    keys = [str(column) for column in scores if column not in SCORE_COLUMNS]
    figures = {f"{name}{suffix}": name for name in names for suffix in _SUFFIXES}
    rows: list[_Key] = []
    for key, own in _runs(scores, keys):
        found = own.set_index(["label", "score"])[list(_SUFFIXES.values())]
        wanted = found.reindex(pd.MultiIndex.from_tuples(list(names.values())))
        rows.append((*key, *wanted.to_numpy(np.float64).ravel()))
    return pd.DataFrame(rows, columns=[*keys, *figures])


def known_scores(scores: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Those of `REPORT_SCORES` whose label was scored: none of COVID in a study without it."""
    known = {ALL, *scores["label"]}
    return {name: place for name, place in REPORT_SCORES.items() if place[0] in known}


def _count_test_predictions(predictions: pd.DataFrame) -> tuple[list[str], list[GroupCounts]]:
    """The classes of a run, and what they are predicted to be on test radiographs."""
    test, classes = select_split(predictions), predicted_classes(predictions)
    # Counting would leave them out without a word.
    unknown = sorted({*test["label"], *test["predicted"]} - set(classes), key=str)
    if unknown:
        raise ValueError(f"classes without a probability column: {', '.join(map(str, unknown))}")
    known, n = pd.Index(classes), len(classes)
    labels, predicted = (known.get_indexer(pd.Index(test[name])) for name in ("label", "predicted"))
    return classes, count_groups(labels, predicted, groups_of(test), (n, n))


def _scores_by_label(
    confusion: NDArray[np.generic], classes: Sequence[str]
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


def _runs(table: pd.DataFrame, keys: Sequence[str]) -> Iterator[tuple[_Key, pd.DataFrame]]:
    """Key and rows of each run; a table without keys is one run."""
    if not keys:
        yield (), table
        return
    for key, rows in table.groupby(list(keys), sort=False, observed=True, dropna=False):
        yield tuple(key), rows


def _over_runs(
    measure: Callable[[pd.DataFrame], pd.DataFrame],
    predictions: pd.DataFrame,
    keys: Sequence[str],
    columns: Sequence[str],
) -> pd.DataFrame:
    tables = [
        measure(rows).assign(**dict(zip(keys, key, strict=True)))
        for key, rows in _runs(predictions, keys)
        if (rows["split"] == Split.TEST).any()
    ]
    # No run may have test predictions: the table is empty then, but has its columns.
    table = pd.concat(tables or [pd.DataFrame()], ignore_index=True)
    return table.reindex(columns=[*keys, *columns])
