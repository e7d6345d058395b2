"""The pipeline `reporting`: it only gathers what the others made."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.pipelines.reporting.nodes import write_study_page
from covid_xray.steps import box, step, themselves

_PAGES = ("data_engineering", "exploration", "segmentation", "modeling", "ablation", "screening")


def create_pipeline() -> Pipeline:
    """The study as pages."""
    pages = themselves(*[f"{pipeline}_page" for pipeline in _PAGES])
    return box("reporting", step(write_study_page, "study_page", without=[*pages], **pages))
