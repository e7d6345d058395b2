"""The pipeline `reporting`: it only gathers what the others made."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.pipelines.reporting.nodes import (
    recover_planted_truth,
    write_study_page,
    write_study_summary,
)
from covid_xray.steps import box, parameters, step, themselves

_PAGES = ("data_engineering", "exploration", "segmentation", "modeling", "ablation", "screening")


def create_pipeline() -> Pipeline:
    """The study as pages, and in some lines."""
    pages = themselves(*[f"{pipeline}_page" for pipeline in _PAGES])
    learnt = ["segmentation_pair_scores", "classifier_predictions"]
    told = ["classifier_runs", "classifier_predictions", *pages]
    return box(
        "reporting",
        step(
            recover_planted_truth,
            "demo_truth",
            without=learnt,
            **parameters("sharpness", "intervals"),
        ),
        step(write_study_page, "study_page", without=[*pages], **pages),
        step(
            write_study_summary,
            "study_summary",
            without=told,
            **parameters("study_name", "splitting", "intervals"),
            **pages,
        ),
    )
