"""Nodes of the pipeline: they read catalogued datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import pandas as pd

from covid_xray.evaluation.settings import IntervalParameters
from covid_xray.pipelines.reporting.frozen_runs import (
    augmentation_table,
    laplacian_table,
    preprocessing_table,
    score_runs,
)
from covid_xray.pipelines.reporting.model_comparison import (
    class_weight_table,
    model_comparison_table,
    model_row,
)
from covid_xray.pipelines.reporting.page import render_tables

# A matplotlib Figure. Kedro resolves a node's hints, and naming the class here would load
# matplotlib with the list of pipelines.
Figure: TypeAlias = Any


def make_table_3(
    augmentation_settings: pd.DataFrame,
    augmentation_runs: pd.DataFrame,
    augmentation_predictions: pd.DataFrame,
    published: pd.DataFrame,
    intervals: IntervalParameters,
) -> pd.DataFrame:
    """Report A's Tables 2 and 3: augmentation settings and their scores."""
    scored = score_runs(augmentation_runs, augmentation_predictions, **intervals.model_dump())
    return augmentation_table(augmentation_settings, scored, published)


def make_table_4(
    preprocessing_runs: pd.DataFrame,
    preprocessing_predictions: pd.DataFrame,
    published: pd.DataFrame,
    intervals: IntervalParameters,
) -> pd.DataFrame:
    """Report A's Table 4: scores by variant of the study."""
    scored = score_runs(preprocessing_runs, preprocessing_predictions, **intervals.model_dump())
    return preprocessing_table(scored, published)


def make_table_5(
    published: pd.DataFrame, intervals: IntervalParameters, *models: Any
) -> pd.DataFrame:
    """Report A's Table 5 from each model's summary and predictions, given in turn."""
    return model_comparison_table(_model_rows(models, intervals), published)


def make_laplacian_table(
    laplacian_runs: pd.DataFrame,
    laplacian_predictions: pd.DataFrame,
    intervals: IntervalParameters,
) -> tuple[pd.DataFrame, Figure]:
    """Scores by threshold of the Laplacian filter, and their figure."""
    from covid_xray.figures.predictions import draw_threshold_scores

    scored = score_runs(laplacian_runs, laplacian_predictions, **intervals.model_dump())
    table = laplacian_table(scored)
    return table, draw_threshold_scores(table)


def make_figure_14(intervals: IntervalParameters, *models: Any) -> tuple[pd.DataFrame, Figure]:
    """Report A's Figure 14 from one backbone's summaries and predictions, given in turn.

    Returns:
        The scores by weight of COVID, and their figure.
    """
    from covid_xray.figures.predictions import draw_class_weight_scores

    table = class_weight_table(_model_rows(models, intervals))
    return table, draw_class_weight_scores(table)


def write_tables(
    table_1: pd.DataFrame,
    table_3: pd.DataFrame,
    table_4: pd.DataFrame,
    table_5: pd.DataFrame,
    laplacian: pd.DataFrame,
    class_weights: pd.DataFrame,
) -> str:
    """The tables as one readable page."""
    return render_tables(table_1, table_3, table_4, table_5, laplacian, class_weights)


def _model_rows(models: Sequence[Any], intervals: IntervalParameters) -> list[dict[str, Any]]:
    summaries, predictions = models[::2], models[1::2]
    return [
        model_row(summary, table, **intervals.model_dump())
        for summary, table in zip(summaries, predictions, strict=True)
    ]
