"""The pipeline `reporting`."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.dotted_names import dotted_names
from covid_xray.pipelines.modeling.pipeline import BACKBONES, CLASS_WEIGHTS
from covid_xray.pipelines.reporting.nodes import make_table_1, make_table_5, write_tables


def create_pipeline() -> Pipeline:
    """The reports' tables, ours beside the published numbers."""
    models = [
        f"modeling.{backbone}.{weights}.{output}"
        for backbone in BACKBONES
        for weights in CLASS_WEIGHTS
        for output in ("summary", "predictions")
    ]
    with dotted_names():
        return _tables_pipeline(models)


def _tables_pipeline(models: list[str]) -> Pipeline:
    return Pipeline(
        [
            Node(
                make_table_1,
                inputs=["radiograph_index", "published_table_1"],
                outputs="table_1",
                name="make_table_1",
            ),
            Node(
                make_table_5,
                inputs=["published_table_5", "params:intervals", *models],
                outputs="table_5",
                name="make_table_5",
            ),
            Node(
                write_tables,
                inputs=["table_1", "table_5"],
                outputs="tables",
                name="write_tables",
            ),
        ]
    )
