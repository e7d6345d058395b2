"""The pipeline `export`: every classifier of Table 5 as a LiteRT model."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.models.backbone import BACKBONES
from covid_xray.pipelines.export.nodes import remove_resizing
from covid_xray.steps import step


def create_pipeline() -> Pipeline:
    """A LiteRT model of every classifier of Table 5."""
    nodes = [
        step(
            remove_resizing,
            f"{backbone.id}_lite_models",
            f"export_{backbone.id}",
            classifiers=f"{backbone.id}_classifiers",
            class_weights="params:modeling.class_weights",
        )
        for backbone in BACKBONES
    ]
    return Pipeline(nodes, namespace="export", prefix_datasets_with_namespace=False)
