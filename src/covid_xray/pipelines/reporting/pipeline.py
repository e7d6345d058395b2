"""The pipeline `reporting`: it only gathers what the others made."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.reporting.nodes import write_tables


def create_pipeline() -> Pipeline:
    """The reports' tables as one page."""
    tables = Node(
        write_tables,
        inputs=["table_1", "table_3", "table_4", "table_5", "laplacian_table", "figure_14_scores"],
        outputs="tables",
        name="write_tables",
    )
    return Pipeline([tables], namespace="reporting", prefix_datasets_with_namespace=False)
