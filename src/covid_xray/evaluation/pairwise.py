"""Differences between pairs of classes, by Tukey's HSD and Games-Howell (Report A, Annex 6).

The report's Tukey assumes equal variances; Games-Howell does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from covid_xray.evaluation.anova import (
    FEATURE_IN_REPORT,
    Groups,
    is_constant,
    no_variance,
    not_testable,
    obstacle_to_anova,
    quiet,
    too_few,
    values_by_class,
    with_values,
)

# The report's spelling, where it differs from ours.
CLASS_IN_REPORT = {"Viral_Pneumonia": "Viral Pneumonia"}
FIGURES = ("mean_diff", "p_adj", "lower", "upper")
_KEYS = ["feature", "method", "group_1", "group_2"]
COLUMNS = (*_KEYS, "n_1", "n_2", *FIGURES, "reject", "note")
# How statsmodels calls the variances that each method assumes, and the fewest values of a class:
# Tukey pools the variance, so one image is enough; Games-Howell needs each class's own.
METHODS = {"tukey": ("equal", 1), "games_howell": ("unequal", 2)}
_KINDS = dict.fromkeys(FIGURES, "float64") | {"reject": "boolean"}


@quiet()
def compare_pairs(
    frame: pd.DataFrame, features: Sequence[str], alpha: float = 0.05
) -> pd.DataFrame:
    """All pairs of classes, by Tukey-Kramer's HSD and by Games-Howell (Report A, Annex 6).

    The studentized range is integrated numerically: a `p_adj` below about 1e-10 means only that.

    Args:
        frame: one row per image, with `label` and the features; NaN is a missing value.
        features: columns to compare.
        alpha: family-wise error rate of the intervals and of `reject`.

    Returns:
        One row per feature, method (`tukey`, `games_howell`) and pair of classes: `feature,
        method, group_1, group_2, n_1, n_2, mean_diff, p_adj, lower, upper, reject, note`.
        `mean_diff` is group_2 minus group_1, in the feature's unit. A single class has no pairs
        and so no rows.

    Raises:
        KeyError: a feature is not in the frame.
    """
    rows = []
    for feature in features:
        groups = values_by_class(frame, feature)
        for method in METHODS:
            keys = {"feature": feature, "method": method}
            rows += [keys | row for row in _compare_classes(groups, method, alpha)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype(_KINDS)


def beside_published_pairs(
    table: pd.DataFrame, published_by_feature: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Our comparisons with the report's Tukey figures beside them (Report A, Annex 6).

    A pair published in the other order is turned round: signs change and the bounds swap.

    Args:
        table: rows of `compare_pairs`.
        published_by_feature: `group_1, group_2, mean_diff, p_adj, lower, upper, reject` per
            feature; figures may be missing.

    Returns:
        The table with `mean_diff_published, p_adj_published, lower_published, upper_published,
        reject_published`; missing where nothing is published and for `games_howell`.
    """
    figures = [*_KINDS]
    tables = [
        pairs.assign(feature=FEATURE_IN_REPORT.get(feature, feature))
        for feature, pairs in published_by_feature.items()
    ]
    theirs = pd.concat(tables or [pd.DataFrame(columns=[*_KEYS, *figures])]).assign(method="tukey")
    theirs[["group_1", "group_2"]] = theirs[["group_1", "group_2"]].replace(CLASS_IN_REPORT)
    both_ways = pd.concat([theirs, _turn_round(theirs)]).set_index(_KEYS)[figures]
    published = both_ways.astype(_KINDS).add_suffix("_published")
    return table.merge(published, how="left", on=_KEYS, validate="many_to_one")


def _turn_round(pairs: pd.DataFrame) -> pd.DataFrame:
    others = {"group_1": "group_2", "group_2": "group_1", "lower": "upper", "upper": "lower"}
    turned = pairs.rename(columns=others)
    return turned.assign(**{name: -turned[name] for name in ("mean_diff", "lower", "upper")})


def _compare_classes(groups: Groups, method: str, alpha: float) -> list[dict[str, Any]]:
    """Rows of `compare_pairs` for one feature and method, from `group_1` on."""
    obstacles = {pair: _obstacle_to_pair(groups, pair, method) for pair in combinations(groups, 2)}
    testable = not all(obstacles.values())
    figures = _figures_of_pairs(groups, method, alpha) if testable else {}
    rows = []
    for pair, obstacle in obstacles.items():
        n_1, n_2 = (len(groups[label]) for label in pair)
        row = {"group_1": pair[0], "group_2": pair[1], "n_1": n_1, "n_2": n_2}
        tested = {} if obstacle else figures.get(pair, {})
        rows.append(row | tested | {"note": "" if tested else not_testable(obstacle)})
    return rows


def _figures_of_pairs(
    groups: Groups, method: str, alpha: float
) -> dict[tuple[str, str], dict[str, Any]]:
    """Difference, adjusted p, bounds and decision of the pairs for which all can be computed."""
    from statsmodels.stats.multicomp import pairwise_tukeyhsd

    use_var, fewest = METHODS[method]
    usable = with_values(groups, fewest)
    labels = np.repeat(list(usable), [len(values) for values in usable.values()])
    values = np.concatenate(list(usable.values()))
    table = pairwise_tukeyhsd(values, labels, alpha=alpha, use_var=use_var).summary_frame()
    # The group that the other is compared with comes first.
    table = table.rename(columns={"meandiff": "mean_diff", "p-adj": "p_adj"})
    table = table.set_index(["group_c", "group_t"])
    # An interval without width comes from a variance too small for floating point.
    sound = np.isfinite(table[[*FIGURES]]).all(axis=1) & (table["lower"] < table["upper"])
    figures: dict[tuple[str, str], dict[str, Any]] = table[sound].to_dict("index")
    return figures


def _obstacle_to_pair(groups: Groups, pair: tuple[str, str], method: str) -> str:
    _, fewest = METHODS[method]
    both = {label: groups[label] for label in pair}
    obstacle = obstacle_to_anova(groups) or too_few(both, fewest)
    # One class that varies is enough for Games-Howell.
    if not obstacle and method == "games_howell" and all(map(is_constant, both.values())):
        return no_variance(both)
    return obstacle
