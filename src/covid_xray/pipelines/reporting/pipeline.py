"""The pipeline `reporting`."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.dotted_names import dotted_names
from covid_xray.pipelines.modeling.grid import (
    BACKBONES,
    CLASS_WEIGHTS,
    FIGURE_14_BACKBONE,
    FIGURE_14_WEIGHTS,
)
from covid_xray.pipelines.reporting.nodes import (
    make_figure_14,
    make_laplacian_table,
    make_table_3,
    make_table_4,
    make_table_5,
    write_tables,
)

_INTERVALS = "params:intervals"


def create_pipeline() -> Pipeline:
    """The reports' tables, ours beside the published numbers."""
    table_5 = [name for backbone in BACKBONES for name in _models(backbone, tuple(CLASS_WEIGHTS))]
    figure_14 = _models(FIGURE_14_BACKBONE, FIGURE_14_WEIGHTS)
    with dotted_names():
        return _frozen_tables() + _grid_tables(table_5, figure_14)


def _models(backbone: str, weights: tuple[str, ...]) -> list[str]:
    """Summary and predictions of a backbone's models, in turn."""
    return [
        f"modeling.{backbone}.{name}.{output}"
        for name in weights
        for output in ("summary", "predictions")
    ]


def _frozen_tables() -> Pipeline:
    return Pipeline(
        [
            Node(
                make_table_3,
                inputs=[
                    "augmentation_settings",
                    "augmentation_runs",
                    "augmentation_predictions",
                    "published_table_3",
                    _INTERVALS,
                ],
                outputs="table_3",
                name="make_table_3",
            ),
            Node(
                make_table_4,
                inputs=[
                    "preprocessing_runs",
                    "preprocessing_predictions",
                    "published_table_4",
                    _INTERVALS,
                ],
                outputs="table_4",
                name="make_table_4",
            ),
            Node(
                make_laplacian_table,
                inputs=["laplacian_runs", "laplacian_predictions", _INTERVALS],
                outputs=["laplacian_table", "laplacian_scores_figure"],
                name="make_laplacian_table",
            ),
        ]
    )


def _grid_tables(table_5: list[str], figure_14: list[str]) -> Pipeline:
    return Pipeline(
        [
            Node(
                make_table_5,
                inputs=["published_table_5", _INTERVALS, *table_5],
                outputs="table_5",
                name="make_table_5",
            ),
            Node(
                make_figure_14,
                inputs=[_INTERVALS, *figure_14],
                outputs=["figure_14_scores", "figure_14_class_weights"],
                name="make_figure_14",
            ),
            Node(
                write_tables,
                inputs=[
                    "table_1",
                    "table_3",
                    "table_4",
                    "table_5",
                    "laplacian_table",
                    "figure_14_scores",
                ],
                outputs="tables",
                name="write_tables",
            ),
        ]
    )
