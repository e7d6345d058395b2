"""Nodes of the pipeline: they read catalogued datasets only."""

from __future__ import annotations

from typing import Any

import pandas as pd

from covid_xray.evaluation.settings import IntervalParameters
from covid_xray.pipelines.reporting.tables import (
    file_size_table,
    model_comparison_table,
    model_row,
    render_tables,
)


def make_table_1(index: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Report A's Table 1: bytes on disk per class."""
    return file_size_table(index, published)


def make_table_5(
    published: pd.DataFrame, intervals: IntervalParameters, *models: Any
) -> pd.DataFrame:
    """Report A's Table 5 from each model's summary and predictions, given in turn."""
    summaries, predictions = models[::2], models[1::2]
    rows = [
        model_row(summary, table, **intervals.model_dump())
        for summary, table in zip(summaries, predictions, strict=True)
    ]
    return model_comparison_table(rows, published)


def write_tables(table_1: pd.DataFrame, table_5: pd.DataFrame) -> str:
    """The tables as one readable page."""
    return render_tables(table_1, table_5)
