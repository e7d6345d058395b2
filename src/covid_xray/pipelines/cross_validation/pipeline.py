"""The pipeline `cross_validation`: folds of every backbone, on the activations of `modeling`."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.cross_validation.nodes import (
    FoldNodes,
    assign_variant_to_folds,
    summarise_folds,
)
from covid_xray.training.runs import join_runs, tabulate_runs

_TRANSFER = "params:modeling.transfer"


def backbone_box(backbone: Backbone) -> Pipeline:
    """A run per fold of a backbone, classes of equal weight."""
    folds = f"{backbone.id}_fold"
    nodes = [
        Node(
            FoldNodes(backbone).train_folds,
            inputs=[
                "images",
                "augmented_images",
                "study_variants",
                "folds",
                f"{backbone.id}_activations",
                _TRANSFER,
                "params:modeling.training",
                "params:splitting",
            ],
            outputs=f"{folds}_classifiers",
            name="train_folds",
        ),
        Node(
            tabulate_runs,
            inputs=f"{folds}_classifiers",
            outputs=[f"{folds}_runs", f"{folds}_histories", f"{folds}_predictions"],
            name="tabulate_folds",
        ),
    ]
    return Pipeline(nodes, namespace=backbone.id, prefix_datasets_with_namespace=False)


def create_pipeline() -> Pipeline:
    """Mean and standard deviation of Table 5's scores over folds."""
    around = Pipeline(
        [
            Node(
                assign_variant_to_folds,
                inputs=[
                    "study_variants",
                    _TRANSFER,
                    "params:splitting",
                    "params:cross_validation",
                ],
                outputs="folds",
                name="assign_folds",
            ),
            Node(
                join_runs,
                inputs={backbone.id: f"{backbone.id}_fold_predictions" for backbone in BACKBONES},
                outputs="fold_predictions",
                name="join_fold_predictions",
            ),
            Node(
                summarise_folds,
                inputs=["fold_predictions", "params:intervals"],
                outputs=["fold_scores", "cross_validation_scores"],
                name="summarise_folds",
            ),
        ]
    )
    return Pipeline(
        sum(map(backbone_box, BACKBONES), around),
        namespace="cross_validation",
        prefix_datasets_with_namespace=False,
    )
