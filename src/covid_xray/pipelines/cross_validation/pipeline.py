"""The pipeline `cross_validation`: folds of every backbone, on the activations of `modeling`."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.cross_validation.nodes import (
    FoldNodes,
    assign_variant_to_folds,
    summarise_folds,
)
from covid_xray.steps import step
from covid_xray.training.runs import join_runs, tabulate_runs

_TRANSFER = {"transfer": "params:modeling.transfer"}
_SPLITTING = {"splitting": "params:splitting"}


def backbone_box(backbone: Backbone) -> Pipeline:
    """A run per fold of a backbone, classes of equal weight."""
    folds = f"{backbone.id}_fold"
    trained = {"activations": f"{backbone.id}_activations", "training": "params:modeling.training"}
    tables = [f"{folds}_{table}" for table in ("runs", "histories", "predictions")]
    classifiers = f"{folds}_classifiers"
    nodes = [
        step(FoldNodes(backbone).train_folds, classifiers, **trained, **_TRANSFER, **_SPLITTING),
        step(tabulate_runs, tables, classifiers=classifiers),
    ]
    return Pipeline(nodes, namespace=backbone.id, prefix_datasets_with_namespace=False)


def create_pipeline() -> Pipeline:
    """Mean and standard deviation of Table 5's scores over folds."""
    folds = {"cross_validation": "params:cross_validation"} | _TRANSFER | _SPLITTING
    predictions = [f"{backbone.id}_fold_predictions" for backbone in BACKBONES]
    scores = ["fold_scores", "cross_validation_scores"]
    around = Pipeline(
        [
            step(assign_variant_to_folds, "folds", "assign_folds", **folds),
            step(join_runs, ["fold_predictions"], **{name: name for name in predictions}),
            step(summarise_folds, scores, intervals="params:intervals"),
        ]
    )
    return Pipeline(
        sum(map(backbone_box, BACKBONES), around),
        namespace="cross_validation",
        prefix_datasets_with_namespace=False,
    )
