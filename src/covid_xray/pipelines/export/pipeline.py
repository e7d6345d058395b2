"""The pipeline `export`: every classifier of Table 5 as a LiteRT model."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.export.nodes import remove_resizing
from covid_xray.steps import box, parameters, step


def create_pipeline() -> Pipeline:
    """A LiteRT model of every classifier of Table 5."""
    return box("export", *map(export_backbone, BACKBONES))


def export_backbone(backbone: Backbone) -> Node:
    """Convert the classifiers of one backbone."""
    return step(
        remove_resizing,
        f"{backbone.id}_lite_models",
        f"export_{backbone.id}",
        classifiers=f"{backbone.id}_classifiers",
        **parameters(class_weights="modeling.class_weights"),
    )
