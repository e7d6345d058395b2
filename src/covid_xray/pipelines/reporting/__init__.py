"""Pipeline `reporting`: the reports' tables, ours beside the published numbers."""

from covid_xray.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
