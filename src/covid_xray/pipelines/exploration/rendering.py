"""Annex 6 as a readable page: ours, and in brackets the published figures."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from covid_xray.evaluation.markdown import markdown_table

_SETS = {
    "all": "All radiographs",
    "balanced_augmented": "Balanced, augmented radiographs",
}
_NOTE = (
    "Report A ran its analyses of variance on all radiographs, and its Tukey tests on the "
    "balanced, augmented ones, where copies of a radiograph count as new ones and make every "
    "difference look surer than it is. Welch's test and Games-Howell's do not assume equal "
    "variances. Sound are those on all radiographs."
)


def render_annex_6(assumptions: pd.DataFrame, anova: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """Annex 6 as Markdown.

    Args:
        assumptions: table of `check_assumptions`, with a column `radiographs`.
        anova: table of `analyse_variance` beside the published, likewise.
        pairs: table of `compare_pairs` beside the published, likewise.
    """
    parts = ["# Annex 6: do the classes differ? Ours, and in brackets the published figures", _NOTE]
    for name, title in _SETS.items():
        parts += [
            f"## {title}",
            "### Assumptions (small p: they fail)",
            markdown_table(_assumption_cells(assumptions[assumptions["radiographs"] == name])),
            "### Analysis of variance",
            markdown_table(_anova_cells(anova[anova["radiographs"] == name])),
            "### Pairs of classes",
            markdown_table(_pair_cells(pairs[pairs["radiographs"] == name])),
        ]
    return "\n\n".join(parts) + "\n"


def _assumption_cells(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "feature": table["feature"],
            "test": table["test"],
            "class": table["label"],
            "n": table["n"],
            "statistic": [_number(value) for value in table["statistic"]],
            "p": [_p_value(value) for value in table["p_value"]],
            "note": table["note"].fillna(""),
        }
    )


def _anova_cells(table: pd.DataFrame) -> pd.DataFrame:
    rows = [row for _, row in table.iterrows()]
    return pd.DataFrame(
        {
            "feature": table["feature"],
            "n": table["n"],
            "F": [_beside(row, "f_statistic", _number) for row in rows],
            "p": [_beside(row, "p_value", _p_value) for row in rows],
            "eta²": [_number(value) for value in table["eta_squared"]],
            "Welch's F": [_number(value) for value in table["welch_f"]],
            "Welch's p": [_p_value(value) for value in table["welch_p_value"]],
            "note": table["note"].fillna(""),
        }
    )


def _pair_cells(table: pd.DataFrame) -> pd.DataFrame:
    rows = [row for _, row in table.iterrows()]
    return pd.DataFrame(
        {
            "feature": table["feature"],
            "method": table["method"],
            "classes": table["group_1"] + " / " + table["group_2"],
            "difference": [_beside(row, "mean_diff", _number) for row in rows],
            "low": [_beside(row, "lower", _number) for row in rows],
            "high": [_beside(row, "upper", _number) for row in rows],
            "p": [_beside(row, "p_adj", _p_value) for row in rows],
            "note": table["note"].fillna(""),
        }
    )


def _beside(row: pd.Series, figure: str, form: Callable[[float], str]) -> str:
    published = row[f"{figure}_published"]
    text = form(row[figure])
    return text if pd.isna(published) else f"{text} ({form(published)})"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.4g}"


def _p_value(value: float) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"
