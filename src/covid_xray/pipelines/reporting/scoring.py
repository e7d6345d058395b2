"""Scores of predicted test radiographs, with intervals, as every table of models gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import percentile_interval, resample_confusion
from covid_xray.evaluation.metrics import balance_classes, count_predictions
from covid_xray.split import Split

Scorer = Callable[[NDArray[np.generic]], Mapping[str, NDArray[np.float64]]]


def select_test(predictions: pd.DataFrame) -> pd.DataFrame:
    """The predictions of test radiographs."""
    return predictions[predictions["split"] == Split.TEST]


def score_with_intervals(
    test: pd.DataFrame,
    classes: Sequence[str],
    scorer: Scorer,
    *,
    n_resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, float]:
    """Scores of a model on its test radiographs.

    Args:
        test: `label` and `predicted`, one row per test radiograph.
        classes: the model's classes.
        scorer: the scores of confusion matrices (..., n_classes, n_classes), by name.
        n_resamples: bootstrap samples.
        confidence: coverage of the intervals.
        seed: seed of the resampling.

    Returns:
        For each score `<score>` (class-balanced, as the report's test set was), `<score>_low`,
        `<score>_high` and `<score>_natural` (at the test set's own prevalence).
    """
    confusion = count_predictions(test["label"].tolist(), test["predicted"].tolist(), classes)
    natural = scorer(confusion)
    resampled = scorer(balance_classes(resample_confusion(confusion, n_resamples, seed)))
    row: dict[str, float] = {}
    for score, value in scorer(balance_classes(confusion)).items():
        low, high = percentile_interval(resampled[score], confidence)
        row |= {
            score: float(value),
            f"{score}_low": low,
            f"{score}_high": high,
            f"{score}_natural": float(natural[score]),
        }
    return row
