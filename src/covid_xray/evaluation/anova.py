"""One-way ANOVA of features over the classes (Report A, Annex 6).

The report's assumes equal variances, so Welch's, which does not, stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from covid_xray.evaluation.class_values import (
    Groups,
    count_of,
    is_constant,
    left_out,
    no_variance,
    not_testable,
    obstacle_to_anova,
    quiet,
    values_by_class,
    with_values,
)

# The report's spelling, where it differs from ours.
FEATURE_IN_REPORT = {"contrast_rms": "rms_contrast"}
_CLASSICAL = ("df_between", "df_within", "f_statistic", "p_value", "eta_squared")
_WELCH = ("welch_f", "welch_df_within", "welch_p_value")
FIGURES = (*_CLASSICAL, *_WELCH)
COLUMNS = ("feature", "n_groups", "n", *FIGURES, "note")


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
    obstacle = obstacle_to_anova(groups)
    classical = {} if obstacle else _classical_anova(filled)
    if not classical:
        return row | {"note": not_testable(obstacle)}
    welch_obstacle = _obstacle_to_welch(filled)
    welch = {} if welch_obstacle else _finite(_WELCH, _run_anova(filled, "unequal"))
    notes = [left_out(groups)]
    if not welch:
        notes.append(f"Welch {not_testable(welch_obstacle)}")
    return row | classical | welch | {"note": "; ".join(filter(None, notes))}


def _classical_anova(groups: Groups) -> dict[str, float]:
    f_statistic, df_within, p_value = _run_anova(groups, "equal")
    everything = np.concatenate(list(groups.values()))
    centre = everything.mean()
    between = sum(len(values) * (values.mean() - centre) ** 2 for values in groups.values())
    eta_squared = float(between / np.square(everything - centre).sum())
    figures = (len(groups) - 1, df_within, f_statistic, p_value, eta_squared)
    return _finite(_CLASSICAL, figures)


def _finite(names: Sequence[str], figures: Sequence[float]) -> dict[str, float]:
    """Figures by name; none where one of them is not finite."""
    return dict(zip(names, figures, strict=True)) if np.isfinite(figures).all() else {}


def _run_anova(groups: Groups, use_var: str) -> tuple[float, float, float]:
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


def _obstacle_to_welch(groups: Groups) -> str:
    reasons = [
        f"{label} has {count_of(values)}" for label, values in groups.items() if len(values) < 2
    ]
    constant = [
        label for label, values in groups.items() if len(values) > 1 and is_constant(values)
    ]
    if constant:
        reasons.append(f"{no_variance(constant)}, and so infinite weight")
    return ", ".join(reasons)
