"""The pipeline `export`: every classifier of Table 5 as a LiteRT model."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.dotted_names import dotted_names
from covid_xray.pipelines.export.nodes import without_resizing
from covid_xray.pipelines.modeling.grid import BACKBONES, CLASS_WEIGHTS


def create_pipeline() -> Pipeline:
    """A LiteRT model of every classifier of Table 5."""
    models = [(backbone, weights) for backbone in BACKBONES for weights in CLASS_WEIGHTS]
    with dotted_names():
        return Pipeline(
            [
                Node(
                    without_resizing,
                    inputs=f"modeling.{backbone}.{weights}.classifier",
                    outputs=f"export.{backbone}.{weights}.lite_classifier",
                    name=f"export_{backbone}_{weights}",
                )
                for backbone, weights in models
            ]
        )
