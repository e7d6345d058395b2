"""The pipeline `export`: every classifier of Table 5 as a LiteRT model."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.models.backbone import BACKBONES
from covid_xray.pipelines.export.nodes import remove_resizing


def create_pipeline() -> Pipeline:
    """A LiteRT model of every classifier of Table 5."""
    nodes = [
        Node(
            remove_resizing,
            inputs=[f"{backbone.id}_classifiers", "params:modeling.class_weights"],
            outputs=f"{backbone.id}_lite_models",
            name=f"export_{backbone.id}",
        )
        for backbone in BACKBONES
    ]
    return Pipeline(nodes, namespace="export", prefix_datasets_with_namespace=False)
