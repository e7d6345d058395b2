"""The pipeline `reporting`: it only gathers what the others made."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.pipelines.reporting.nodes import write_tables
from covid_xray.steps import box, step


def create_pipeline() -> Pipeline:
    """The reports' tables as one page."""
    return box("reporting", step(write_tables, "tables"))
