"""The project's pipelines."""

from __future__ import annotations

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

# Run by name only: `kedro run --pipelines optimisers`.
OPTIONAL = ("cross_validation", "optimisers", "export")


def register_pipelines() -> dict[str, Pipeline]:
    """All pipelines by name; `__default__`, what `kedro run` runs, is all but the optional ones."""
    pipelines = find_pipelines(raise_errors=True)
    usual = [pipeline for name, pipeline in pipelines.items() if name not in OPTIONAL]
    pipelines["__default__"] = sum(usual, Pipeline([]))
    return pipelines
