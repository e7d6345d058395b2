"""The page of the pipeline: figures, Annex 6 and the reductions, the published in brackets."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from covid_xray import pages
from covid_xray.studies.variants import BALANCED_AUGMENTED

Figure: TypeAlias = Any

_SETS = {
    "all": "On all radiographs",
    BALANCED_AUGMENTED: "On the balanced, augmented radiographs",
}
_ANNEX_6 = (
    "Report A ran its analyses of variance on all radiographs, and its Tukey tests on the "
    "balanced, augmented ones, where copies of a radiograph count as new ones and make every "
    "difference look surer than it is. Welch's test and Games-Howell's do not assume equal "
    "variances. Sound are those on all radiographs."
)
_TESTS: pages.Forms = {
    "feature": "", "test": "", "label": "", "n": "", "statistic": ".4g", "p_value": pages.p_value,
    "note": "",
}  # fmt: skip
_ANALYSES: pages.Forms = {
    "feature": "", "n": "", "f_statistic": ".4g", "p_value": pages.p_value, "eta_squared": ".4g",
    "welch_f": ".4g", "welch_p_value": pages.p_value, "note": "",
}  # fmt: skip
_DIFFERENCES: pages.Forms = {
    "feature": "", "method": "", "group_1": "", "group_2": "", "mean_diff": ".4g",
    "lower": ".4g", "upper": ".4g", "p_adj": pages.p_value, "note": "",
}  # fmt: skip
_PURITY = {
    f"{score}{kind}": form
    for score, form in (("silhouette", ".3f"), ("knn_purity", ".1%"))
    for kind in ("", "_shuffled")
}


def write_exploration_page(
    annex_6_assumptions: pd.DataFrame,
    annex_6_anova: pd.DataFrame,
    annex_6_pairs: pd.DataFrame,
    reduction_comparison: pd.DataFrame,
    embedding_scores: pd.DataFrame,
    **figures: Figure,
) -> str:
    """Everything that Report A shows before it classifies, as one page."""
    annex_6 = (annex_6_assumptions, annex_6_anova, annex_6_pairs)
    return pages.page(
        "Exploration: ours, and in brackets the published figures",
        pages.section("Figures", pages.figures(figures)),
        pages.section(
            "Annex 6: do the classes differ?",
            _ANNEX_6,
            *(
                _compare(title, *(table[table["radiographs"] == name] for table in annex_6))
                for name, title in _SETS.items()
            ),
        ),
        pages.section(
            "Dimension reduction",
            pages.table(
                reduction_comparison,
                {"method": "", "quantity": "", "value": ".3f", "n_radiographs": ""},
            ),
        ),
        pages.section(
            "Do codes keep the classes apart?",
            "Silhouette, and the share of nearest neighbours of the same class; both beside those "
            "under shuffled labels.",
            pages.table(embedding_scores, {"embedding": ""} | _PURITY),
            pages.notes(embedding_scores, "embedding"),
        ),
    )


def _compare(
    title: str, assumptions: pd.DataFrame, anova: pd.DataFrame, pairs: pd.DataFrame
) -> str:
    return pages.section(
        title,
        "Assumptions (small p: they fail):",
        pages.table(assumptions, _TESTS),
        "Analysis of variance:",
        pages.table(anova, _ANALYSES),
        "Pairs of classes:",
        pages.table(pairs, _DIFFERENCES),
        level=3,
    )
