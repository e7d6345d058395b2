"""Differences between the classes in five features (Report A, Annex 6).

The report ran a one-way ANOVA and Tukey's HSD. Both assume equal variances, so Welch's ANOVA and
the Games-Howell comparison, which do not, stand beside them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The report's spelling, where it differs from ours.
FEATURE_IN_REPORT = {"contrast_rms": "rms_contrast"}
CLASS_IN_REPORT = {"Viral_Pneumonia": "Viral Pneumonia"}

ASSUMPTION_COLUMNS = ("feature", "test", "label", "n", "statistic", "p_value", "note")
VARIANCE_FIGURES = (
    "df_between",
    "df_within",
    "f_statistic",
    "p_value",
    "eta_squared",
    "welch_f",
    "welch_df_within",
    "welch_p_value",
)
VARIANCE_COLUMNS = ("feature", "n_groups", "n", *VARIANCE_FIGURES, "note")
PAIR_FIGURES = ("mean_diff", "p_adj", "lower", "upper")
PAIR_COLUMNS = (
    "feature",
    "method",
    "group_1",
    "group_2",
    "n_1",
    "n_2",
    *PAIR_FIGURES,
    "reject",
    "note",
)
# How statsmodels calls the variances that each pairwise method assumes.
PAIR_METHODS = {"tukey": "equal", "games_howell": "unequal"}

# D'Agostino and Pearson's test rests on a kurtosis whose normal approximation starts here.
FEWEST_FOR_NORMALITY = 20
NOT_FINITE = "the values are infinite, or too large or too small to compute with"

_Groups = dict[str, NDArray[np.float64]]


class _Test(NamedTuple):
    statistic: float
    p_value: float
    note: str


@contextmanager
def _quiet() -> Iterator[None]:
    # What numpy and scipy would warn of here ends up as words in a note.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_quiet()
def check_assumptions(frame: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Tests of what an ANOVA assumes: equal variances and normal classes (Report A, Annex 6).

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
        groups = _values_by_class(frame, feature)
        n_values = sum(map(len, groups.values()))
        rows.append((feature, "levene", "all", n_values, *_test_levene(groups)))
        rows.append((feature, "bartlett", "all", n_values, *_test_bartlett(groups)))
        rows += [
            (feature, "normality", label, len(groups[label]), *_test_normality(groups, label))
            for label in groups
        ]
    return pd.DataFrame(rows, columns=ASSUMPTION_COLUMNS)


@_quiet()
def analyse_variance(frame: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """One-way ANOVA of each feature over the classes, classical and Welch's (Report A, Annex 6).

    Args:
        frame: one row per image, with `label` and the features; NaN is a missing value.
        features: columns to test.

    Returns:
        One row per feature: `feature, n_groups, n, df_between, df_within, f_statistic, p_value,
        eta_squared, welch_f, welch_df_within, welch_p_value, note`. Eta squared is the share of
        the sum of squares that lies between the classes. The note names what was left out or
        could not be tested.

    Raises:
        KeyError: a feature is not in the frame.
    """
    rows = [_analyse_feature(feature, _values_by_class(frame, feature)) for feature in features]
    table = pd.DataFrame(rows, columns=VARIANCE_COLUMNS)
    return table.astype(dict.fromkeys(VARIANCE_FIGURES, "float64"))


@_quiet()
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
        groups = _values_by_class(frame, feature)
        for method in PAIR_METHODS:
            rows += [(feature, method, *row) for row in _compare_classes(groups, method, alpha)]
    table = pd.DataFrame(rows, columns=PAIR_COLUMNS)
    return table.astype(dict.fromkeys(PAIR_FIGURES, "float64") | {"reject": "boolean"})


def beside_published_anova(table: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Our ANOVA with the report's figures beside it (Report A, Annex 6).

    Args:
        table: rows of `analyse_variance`.
        published: `feature, f_statistic, p_value`, features spelt as in the report or as here.

    Returns:
        The table with `f_statistic_published, p_value_published`, NaN where none is published.
    """
    renamed = published.assign(feature=published["feature"].replace(FEATURE_IN_REPORT)).rename(
        columns={
            "f_statistic": "f_statistic_published",
            "p_value": "p_value_published",
        }
    )
    columns = ["feature", "f_statistic_published", "p_value_published"]
    return table.merge(renamed[columns], how="left", on="feature", validate="many_to_one")


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
    rows = [
        _published_pair(feature, pair)
        for feature, pairs in published_by_feature.items()
        for pair in pairs.to_dict("records")
    ]
    keys = ["feature", "method", "group_1", "group_2"]
    columns = [f"{name}_published" for name in (*PAIR_FIGURES, "reject")]
    one_way = pd.DataFrame(rows, columns=[*keys, *columns])
    published = pd.concat([one_way, _turn_pairs_round(one_way)])
    beside = table.merge(published, how="left", on=keys, validate="many_to_one")
    kinds = [*["float64"] * len(PAIR_FIGURES), "boolean"]
    return beside.astype(dict(zip(columns, kinds, strict=True)))


def _published_pair(feature: str, pair: Mapping[Any, Any]) -> dict[str, Any]:
    figures = {f"{name}_published": pair[name] for name in (*PAIR_FIGURES, "reject")}
    return {
        "feature": FEATURE_IN_REPORT.get(feature, feature),
        "method": "tukey",
        "group_1": CLASS_IN_REPORT.get(pair["group_1"], pair["group_1"]),
        "group_2": CLASS_IN_REPORT.get(pair["group_2"], pair["group_2"]),
        **figures,
    }


def _turn_pairs_round(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.assign(
        group_1=pairs["group_2"],
        group_2=pairs["group_1"],
        mean_diff_published=-pairs["mean_diff_published"],
        lower_published=-pairs["upper_published"],
        upper_published=-pairs["lower_published"],
    )


def _values_by_class(frame: pd.DataFrame, feature: str) -> _Groups:
    groups = {
        str(label): values.dropna().to_numpy(np.float64)
        for label, values in frame.groupby("label", observed=True)[feature]
    }
    # groupby keeps the order of a categorical's categories; statsmodels sorts by name.
    return dict(sorted(groups.items()))


def _with_values(groups: _Groups, fewest: int = 1) -> _Groups:
    return {label: values for label, values in groups.items() if len(values) >= fewest}


def _is_constant(values: NDArray[np.float64], scale: float | None = None) -> bool:
    # A spread of 1e-12 of the values is rounding, and a test of it would report significance.
    largest = np.abs(values).max() if scale is None else scale
    return bool(np.isfinite(largest) and np.ptp(values) <= 1e-12 * largest)


def _test_levene(groups: _Groups) -> _Test:
    filled = _with_values(groups)
    obstacle = _obstacle_to_spreads(groups) or _obstacle_to_levene(filled)
    return _run_test(obstacle, _run_levene, filled, _left_out(groups))


def _test_bartlett(groups: _Groups) -> _Test:
    filled = _with_values(groups)
    constant = [label for label, values in filled.items() if _is_constant(values)]
    obstacle = _obstacle_to_spreads(groups) or _no_variance(constant)
    return _run_test(obstacle, _run_bartlett, filled, _left_out(groups))


def _test_normality(groups: _Groups, label: str) -> _Test:
    own = {label: groups[label]}
    obstacle = ""
    if not _with_values(groups):
        obstacle = "no values"
    elif len(own[label]) < FEWEST_FOR_NORMALITY:
        obstacle = _too_few(own, FEWEST_FOR_NORMALITY)
    elif _is_constant(own[label]):
        obstacle = _no_variance([label])
    return _run_test(obstacle, _run_normality, own, "")


def _run_test(
    obstacle: str, test: Callable[[_Groups], tuple[float, float]], groups: _Groups, note: str
) -> _Test:
    figures = (np.nan, np.nan) if obstacle else test(groups)
    if not np.isfinite(figures).all():
        return _Test(np.nan, np.nan, f"not testable: {obstacle or NOT_FINITE}")
    return _Test(float(figures[0]), float(figures[1]), note)


def _run_levene(groups: _Groups) -> tuple[float, float]:
    # Here, because scipy.stats takes seconds to load and every kedro command imports this file.
    from scipy.stats import levene

    return cast(tuple[float, float], levene(*groups.values(), center="median"))


def _run_bartlett(groups: _Groups) -> tuple[float, float]:
    from scipy.stats import bartlett

    return cast(tuple[float, float], bartlett(*groups.values()))


def _run_normality(groups: _Groups) -> tuple[float, float]:
    from scipy.stats import normaltest

    (values,) = groups.values()
    return cast(tuple[float, float], normaltest(values))


def _run_anova(groups: _Groups, use_var: str) -> tuple[float, float, float]:
    """F, its degrees of freedom within the classes, and p."""
    from statsmodels.stats.oneway import anova_generic

    # Not anova_oneway: it gives a class with one image the variance NaN, though its weight is 0.
    result = anova_generic(
        means=np.array([values.mean() for values in groups.values()]),
        variances=np.array(
            [values.var(ddof=min(1, len(values) - 1)) for values in groups.values()]
        ),
        nobs=np.array([len(values) for values in groups.values()], dtype=np.float64),
        use_var=use_var,
    )
    return float(result.statistic), float(result.df_denom), float(result.pvalue)


def _analyse_feature(feature: str, groups: _Groups) -> dict[str, Any]:
    filled = _with_values(groups)
    row = {"feature": feature, "n_groups": len(filled), "n": sum(map(len, filled.values()))}
    obstacle = _obstacle_to_anova(groups)
    classical = {} if obstacle else _classical_anova(filled)
    if not classical:
        return row | {"note": f"not testable: {obstacle or NOT_FINITE}"}
    welch_obstacle = _obstacle_to_welch(filled)
    welch = {} if welch_obstacle else _welch_anova(filled)
    notes = [_left_out(groups)]
    if not welch:
        notes.append(f"Welch not testable: {welch_obstacle or NOT_FINITE}")
    return row | classical | welch | {"note": "; ".join(filter(None, notes))}


def _classical_anova(groups: _Groups) -> dict[str, float]:
    """Figures of the classical ANOVA; none where one of them is not finite."""
    f_statistic, df_within, p_value = _run_anova(groups, "equal")
    everything = np.concatenate(list(groups.values()))
    centre = everything.mean()
    between = sum(len(values) * (values.mean() - centre) ** 2 for values in groups.values())
    figures = {
        "df_between": len(groups) - 1,
        "df_within": df_within,
        "f_statistic": f_statistic,
        "p_value": p_value,
        "eta_squared": float(between / np.square(everything - centre).sum()),
    }
    return figures if np.isfinite(list(figures.values())).all() else {}


def _welch_anova(groups: _Groups) -> dict[str, float]:
    """Figures of Welch's ANOVA; none where one of them is not finite."""
    names = ("welch_f", "welch_df_within", "welch_p_value")
    figures = dict(zip(names, _run_anova(groups, "unequal"), strict=True))
    return figures if np.isfinite(list(figures.values())).all() else {}


def _compare_classes(groups: _Groups, method: str, alpha: float) -> list[tuple[Any, ...]]:
    """Rows of `compare_pairs` for one feature and method, from `group_1` on."""
    pairs = {pair: _obstacle_to_pair(groups, pair, method) for pair in combinations(groups, 2)}
    figures = {}
    if not all(pairs.values()):
        usable = _with_values(groups, fewest=_fewest_for_pairs(method))
        figures = _figures_of_pairs(usable, method, alpha)
    rows = []
    for pair, obstacle in pairs.items():
        sizes = [len(groups[label]) for label in pair]
        if obstacle or not _is_sound(*figures[pair]):
            missing = [*[np.nan] * len(PAIR_FIGURES), pd.NA]
            rows.append((*pair, *sizes, *missing, f"not testable: {obstacle or NOT_FINITE}"))
        else:
            rows.append((*pair, *sizes, *figures[pair], ""))
    return rows


def _is_sound(diff: float, p_adj: float, low: float, high: float, _: bool) -> bool:
    # An interval without width comes from a variance too small for floating point.
    return bool(np.isfinite([diff, p_adj, low, high]).all() and low < high)


def _figures_of_pairs(
    groups: _Groups, method: str, alpha: float
) -> dict[tuple[str, str], tuple[float, float, float, float, bool]]:
    """Difference, adjusted p, bounds and decision of every pair of classes."""
    from statsmodels.stats.multicomp import pairwise_tukeyhsd

    labels = np.repeat(list(groups), [len(values) for values in groups.values()])
    result = pairwise_tukeyhsd(
        np.concatenate(list(groups.values())), labels, alpha=alpha, use_var=PAIR_METHODS[method]
    )
    # statsmodels takes the pairs in the order of the sorted labels, which is that of the groups.
    return {
        pair: (float(diff), float(p_adj), float(low), float(high), bool(reject))
        for pair, diff, p_adj, (low, high), reject in zip(
            combinations(groups, 2),
            result.meandiffs,
            result.pvalues,
            result.confint,
            result.reject,
            strict=True,
        )
    }


def _fewest_for_pairs(method: str) -> int:
    # Tukey pools the variance, so one image is enough; Games-Howell needs each class's own.
    return 1 if method == "tukey" else 2


def _obstacle_to_pair(groups: _Groups, pair: tuple[str, str], method: str) -> str:
    obstacle = _obstacle_to_anova(groups)
    if obstacle:
        return obstacle
    fewest = _fewest_for_pairs(method)
    both = {label: groups[label] for label in pair}
    if len(_with_values(both, fewest)) < len(both):
        return _too_few(both, fewest)
    if method == "games_howell" and all(map(_is_constant, both.values())):
        return _no_variance(list(pair))
    return ""


def _obstacle_to_means(groups: _Groups) -> str:
    """Why nothing can be compared between the classes; empty where something can."""
    filled = _with_values(groups)
    if not filled:
        return "no values"
    if len(filled) == 1:
        return f"only {next(iter(filled))} has values, and at least 2 classes are needed"
    if _is_constant(np.concatenate(list(filled.values()))):
        return "the feature is constant"
    return ""


def _obstacle_to_spreads(groups: _Groups) -> str:
    filled = _with_values(groups)
    obstacle = _obstacle_to_means(groups)
    if not obstacle and len(_with_values(groups, fewest=2)) < len(filled):
        return _too_few(filled, 2)
    return obstacle


def _obstacle_to_levene(groups: _Groups) -> str:
    # Two values lie equally far from their median: a class of two says nothing here.
    flat = all(
        _is_constant(np.abs(values - np.median(values)), scale=np.abs(values).max())
        for values in groups.values()
    )
    return "the distances from the median do not vary within any class" if flat else ""


def _obstacle_to_anova(groups: _Groups) -> str:
    obstacle = _obstacle_to_means(groups)
    if obstacle:
        return obstacle
    if not _with_values(groups, fewest=2):
        return "no class has more than 1 value"
    if all(map(_is_constant, _with_values(groups).values())):
        return "no variance within any class"
    return ""


def _obstacle_to_welch(groups: _Groups) -> str:
    reasons = [
        f"{label} has {_count(values)}" for label, values in groups.items() if len(values) < 2
    ]
    constant = [
        label for label, values in groups.items() if len(values) > 1 and _is_constant(values)
    ]
    if constant:
        reasons.append(f"{_no_variance(constant)}, and so infinite weight")
    return ", ".join(reasons)


def _left_out(groups: _Groups) -> str:
    empty = [f"{label} (no values)" for label, values in groups.items() if not len(values)]
    return f"left out: {', '.join(empty)}" if empty else ""


def _too_few(groups: _Groups, fewest: int) -> str:
    few = [
        f"{label} has {_count(values)}" for label, values in groups.items() if len(values) < fewest
    ]
    return f"{' and '.join(few)}, and at least {fewest} {'is' if fewest == 1 else 'are'} needed"


def _no_variance(labels: Sequence[str]) -> str:
    return " and ".join(f"{label} has no variance" for label in labels)


def _count(values: NDArray[np.float64]) -> str:
    return {0: "no values", 1: "1 value"}.get(len(values), f"{len(values)} values")
