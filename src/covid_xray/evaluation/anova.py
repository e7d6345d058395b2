"""One-way ANOVA of features over the classes, and tests of what it assumes (Report A, Annex 6).

The report's assumes equal variances, so Welch's, which does not, stands beside it. An obstacle is
why a test can say nothing, in words, or empty where it can run.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Groups = dict[str, NDArray[np.float64]]
"""Values (n,) of each class, by name."""
NOT_FINITE = "the values are infinite, or too large or too small to compute with"

# The report's spelling, where it differs from ours.
FEATURE_IN_REPORT = {"contrast_rms": "rms_contrast"}
FIGURES = (
    *("df_between", "df_within", "f_statistic", "p_value", "eta_squared"),
    *("welch_f", "welch_df_within", "welch_p_value"),
)
COLUMNS = ("feature", "n_groups", "n", *FIGURES, "note")
_ASSUMPTIONS = ("feature", "test", "label", "n", "statistic", "p_value", "note")
# D'Agostino and Pearson's test rests on a kurtosis whose normal approximation starts here.
_FEWEST_FOR_NORMALITY = 20


@contextmanager
def quiet() -> Iterator[None]:
    """Silence for what numpy and scipy would warn of: it ends up as words in a note."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@quiet()
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
    rows = [_analyse_feature(feature, values_by_class(frame, feature)) for feature in features]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype(dict.fromkeys(FIGURES, "float64"))


def beside_published_anova(table: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Our ANOVA with the report's figures beside it (Report A, Annex 6).

    Args:
        table: rows of `analyse_variance`.
        published: `feature, f_statistic, p_value`, features spelt as in the report or as here.

    Returns:
        The table with `f_statistic_published, p_value_published`, NaN where none is published.
    """
    theirs = published.assign(feature=published["feature"].replace(FEATURE_IN_REPORT))
    figures = theirs.set_index("feature")[["f_statistic", "p_value"]].add_suffix("_published")
    return table.merge(figures, how="left", on="feature", validate="many_to_one")


def _analyse_feature(feature: str, groups: Groups) -> dict[str, Any]:
    filled = with_values(groups)
    row = {"feature": feature, "n_groups": len(filled), "n": sum(map(len, filled.values()))}
    figures, note = run_test(obstacle_to_anova(groups), lambda: _classical_anova(filled))
    if note:
        return row | {"note": note}
    welch, why = run_test(_obstacle_to_welch(filled), lambda: _run_anova(filled, "unequal"))
    notes = [left_out(groups), f"Welch {why}" if why else ""]
    named = zip(FIGURES, (*figures, *welch), strict=False)
    return row | dict(named) | {"note": "; ".join(filter(None, notes))}


def _classical_anova(groups: Groups) -> tuple[float, ...]:
    f_statistic, df_within, p_value = _run_anova(groups, "equal")
    everything = np.concatenate(list(groups.values()))
    centre = everything.mean()
    between = sum(len(values) * (values.mean() - centre) ** 2 for values in groups.values())
    eta_squared = between / np.square(everything - centre).sum()
    return len(groups) - 1, df_within, f_statistic, p_value, eta_squared


def _run_anova(groups: Groups, use_var: str) -> tuple[float, float, float]:
    """F, its degrees of freedom within the classes, and p."""
    from statsmodels.stats.oneway import anova_generic

    means = np.array([values.mean() for values in groups.values()])
    # Not anova_oneway: it gives a class with one image the variance NaN, though its weight is 0.
    variances = np.array([values.var(ddof=min(1, len(values) - 1)) for values in groups.values()])
    sizes = np.array([len(values) for values in groups.values()], dtype=np.float64)
    result = anova_generic(means, variances, sizes, use_var=use_var)
    return result.statistic, result.df_denom, result.pvalue


def _obstacle_to_welch(groups: Groups) -> str:
    constant = no_variance(with_values(groups, fewest=2))
    reasons = [*sizes_below(groups, 2), f"{constant}, and so infinite weight" if constant else ""]
    return ", ".join(filter(None, reasons))


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
        filled, note = with_values(groups), left_out(groups)
        n_values = sum(map(len, groups.values()))
        levene = _run("levene", filled, _obstacle_to_levene(filled), note)
        bartlett = _run(
            "bartlett", filled, _obstacle_to_spreads(filled) or no_variance(filled), note
        )
        rows.append((feature, "levene", "all", n_values, *levene))
        rows.append((feature, "bartlett", "all", n_values, *bartlett))
        for label, values in groups.items():
            own = {label: values}
            obstacle = "" if filled else "no values"
            obstacle = obstacle or too_few(own, _FEWEST_FOR_NORMALITY) or no_variance(own)
            normality = _run("normaltest", own, obstacle, "")
            rows.append((feature, "normality", label, len(values), *normality))
    return pd.DataFrame(rows, columns=_ASSUMPTIONS)


def _obstacle_to_spreads(filled: Groups) -> str:
    return obstacle_to_means(filled) or too_few(filled, 2)


def _obstacle_to_levene(filled: Groups) -> str:
    # Two values lie equally far from their median: a class of two says nothing here.
    same = all(
        is_constant(np.abs(values - np.median(values)), scale=np.abs(values).max())
        for values in filled.values()
    )
    return _obstacle_to_spreads(filled) or (
        "the distances from the median do not vary within any class" if same else ""
    )


def _run(test: str, groups: Groups, obstacle: str, note: str) -> tuple[float, float, str]:
    """Statistic, p and note of a test by its name in scipy."""
    # Here, because scipy.stats takes seconds to load and every kedro command imports this file.
    from scipy import stats

    # Levene's is centred on the median unless it is told otherwise.
    figures, why = run_test(obstacle, lambda: getattr(stats, test)(*groups.values()))
    statistic, p_value = (np.nan, np.nan) if why else figures
    return statistic, p_value, why or note


def values_by_class(frame: pd.DataFrame, feature: str) -> Groups:
    """The values of each class that are not missing, classes sorted by name.

    Raises:
        KeyError: the feature is not in the frame.
    """
    groups = {
        str(label): values.dropna().to_numpy(np.float64)
        for label, values in frame.groupby("label", observed=True)[feature]
    }
    # groupby keeps the order of a categorical's categories; statsmodels sorts by name.
    return dict(sorted(groups.items()))


def with_values(groups: Groups, fewest: int = 1) -> Groups:
    """The classes that have so many values."""
    return {label: values for label, values in groups.items() if len(values) >= fewest}


def is_constant(values: NDArray[np.float64], scale: float | None = None) -> bool:
    """Whether values differ by no more than rounding, which a test would call significant."""
    largest = np.abs(values).max() if scale is None else scale
    return bool(np.isfinite(largest) and np.ptp(values) <= 1e-12 * largest)


def obstacle_to_means(groups: Groups) -> str:
    """Why nothing can be compared between the classes."""
    filled = with_values(groups)
    if not filled:
        return "no values"
    if len(filled) == 1:
        return f"only {next(iter(filled))} has values, and at least 2 classes are needed"
    constant = is_constant(np.concatenate(list(filled.values())))
    return "the feature is constant" if constant else ""


def obstacle_to_anova(groups: Groups) -> str:
    """Why the means of the classes cannot be compared with the variance within them."""
    obstacle = obstacle_to_means(groups)
    if not obstacle and not with_values(groups, fewest=2):
        return "no class has more than 1 value"
    if not obstacle and all(map(is_constant, with_values(groups).values())):
        return "no variance within any class"
    return obstacle


def run_test(obstacle: str, test: Callable[[], Sequence[float]]) -> tuple[Sequence[float], str]:
    """The figures of a test and an empty note, or none and why: an obstacle, or not finite."""
    figures = () if obstacle else test()
    if not obstacle and np.isfinite(figures).all():
        return figures, ""
    return (), not_testable(obstacle)


def not_testable(obstacle: str) -> str:
    """The note of figures that are missing; without an obstacle they were not finite."""
    return f"not testable: {obstacle or NOT_FINITE}"


def left_out(groups: Groups) -> str:
    """Words on the classes without values; empty where all have some."""
    empty = [f"{label} (no values)" for label, values in groups.items() if not len(values)]
    return f"left out: {', '.join(empty)}" if empty else ""


def too_few(groups: Groups, fewest: int) -> str:
    """Words on the classes that have fewer values than are needed; empty without such classes."""
    few = sizes_below(groups, fewest)
    needed = f"at least {fewest} {'is' if fewest == 1 else 'are'} needed"
    return f"{' and '.join(few)}, and {needed}" if few else ""


def sizes_below(groups: Groups, fewest: int) -> list[str]:
    """Words on each class that has fewer values than are needed."""
    words = {0: "no values", 1: "1 value"}
    sizes = {label: len(values) for label, values in groups.items() if len(values) < fewest}
    return [f"{label} has {words.get(size, f'{size} values')}" for label, size in sizes.items()]


def no_variance(groups: Groups) -> str:
    """Words on the classes whose values are all equal; empty without such classes."""
    constant = [label for label, values in groups.items() if is_constant(values)]
    return " and ".join(f"{label} has no variance" for label in constant)
