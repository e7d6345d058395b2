"""Tests of what an ANOVA assumes: equal variances and normal classes (Report A, Annex 6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from covid_xray.evaluation.class_values import (
    Groups,
    is_constant,
    left_out,
    no_variance,
    not_testable,
    obstacle_to_means,
    quiet,
    too_few,
    values_by_class,
    with_values,
)

COLUMNS = ("feature", "test", "label", "n", "statistic", "p_value", "note")
# D'Agostino and Pearson's test rests on a kurtosis whose normal approximation starts here.
FEWEST_FOR_NORMALITY = 20


@quiet()
def check_assumptions(frame: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Test each feature for equal variances and normal classes (Report A, Annex 6).

    Equal variances by the Brown-Forsythe form of Levene's test (centred on the median) and by
    Bartlett's, over all classes; normality by D'Agostino and Pearson's K², per class.

    Args:
        frame: one row per image, with `label` and the features; NaN is a missing value.
        features: columns to test.

    Returns:
        One row per feature and test: `feature, test, label, n, statistic, p_value, note`. Where
        nothing can be tested the figures are NaN and the note says why.

    Raises:
        KeyError: a feature is not in the frame.
    """
    rows = []
    for feature in features:
        groups = values_by_class(frame, feature)
        n_values = sum(map(len, groups.values()))
        rows.append((feature, "levene", "all", n_values, *_test_levene(groups)))
        rows.append((feature, "bartlett", "all", n_values, *_test_bartlett(groups)))
        rows += [
            (feature, "normality", label, len(groups[label]), *_test_normality(groups, label))
            for label in groups
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _test_levene(groups: Groups) -> tuple[float, float, str]:
    filled = with_values(groups)
    obstacle = _obstacle_to_spreads(filled)
    # Two values lie equally far from their median: a class of two says nothing here.
    if not obstacle and all(
        is_constant(np.abs(values - np.median(values)), scale=np.abs(values).max())
        for values in filled.values()
    ):
        obstacle = "the distances from the median do not vary within any class"
    return _run("levene", filled, obstacle, left_out(groups))


def _test_bartlett(groups: Groups) -> tuple[float, float, str]:
    filled = with_values(groups)
    constant = [label for label, values in filled.items() if is_constant(values)]
    obstacle = _obstacle_to_spreads(filled) or no_variance(constant)
    return _run("bartlett", filled, obstacle, left_out(groups))


def _test_normality(groups: Groups, label: str) -> tuple[float, float, str]:
    own = {label: groups[label]}
    obstacle = ""
    if not with_values(groups):
        obstacle = "no values"
    elif len(own[label]) < FEWEST_FOR_NORMALITY:
        obstacle = too_few(own, FEWEST_FOR_NORMALITY)
    elif is_constant(own[label]):
        obstacle = no_variance([label])
    return _run("normaltest", own, obstacle, "")


def _obstacle_to_spreads(filled: Groups) -> str:
    obstacle = obstacle_to_means(filled)
    if not obstacle and len(with_values(filled, fewest=2)) < len(filled):
        return too_few(filled, 2)
    return obstacle


def _run(test: str, groups: Groups, obstacle: str, note: str) -> tuple[float, float, str]:
    """Statistic, p and note of a test by its name in scipy."""
    # Here, because scipy.stats takes seconds to load and every kedro command imports this file.
    from scipy import stats

    # Levene's is centred on the median unless it is told otherwise.
    figures = [np.nan, np.nan] if obstacle else getattr(stats, test)(*groups.values())
    if not np.isfinite(figures).all():
        return np.nan, np.nan, not_testable(obstacle)
    return float(figures[0]), float(figures[1]), note
