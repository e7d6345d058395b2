"""The project's pipelines."""

from __future__ import annotations

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

# What `kedro run` runs, in the order of the data, and what runs by name only.
USUAL = (
    "data_engineering",
    "exploration",
    "segmentation",
    "modeling",
    "ablation",
    "screening",
    "reporting",
)
BY_NAME = ("cross_validation", "optimisers", "export")


def register_pipelines() -> dict[str, Pipeline]:
    """All pipelines by name; `__default__` is what `kedro run` runs."""
    found = find_pipelines(raise_errors=True)
    everything = {name: found[name] for name in (*USUAL, *BY_NAME) if name in found}
    usual = (everything[name] for name in USUAL if name in everything)
    return everything | {"__default__": sum(usual, Pipeline([]))}
