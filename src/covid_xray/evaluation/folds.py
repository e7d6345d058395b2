"""Scores over the folds of a cross-validation (Report A, outlook)."""

from __future__ import annotations

import pandas as pd

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import RUN_KEYS, known_scores, score_runs, wide_scores


def score_folds(
    predictions: pd.DataFrame, intervals: Intervals
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of every fold, and their mean and standard deviation per backbone.

    Args:
        predictions: of one run per fold, `backbone, run` first.
        intervals: of the scores within a fold.

    Returns:
        `backbone, run`, and the scores of Table 5; and `backbone, score, mean, sd, n_folds` (the
        sample's standard deviation).
    """
    by_class = score_runs(predictions, intervals)
    names = known_scores(by_class)
    scores = wide_scores(by_class, names)
    long = scores.melt(list(RUN_KEYS), list(names), var_name="score")
    by_score = long.groupby(["backbone", "score"], sort=False)["value"]
    summary = by_score.agg(mean="mean", sd="std", n_folds="size").reset_index()
    return scores, summary
