"""The pipeline `cross_validation`: folds of every backbone, on the activations of `modeling`."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.cross_validation.nodes import (
    FoldNodes,
    assign_variant_to_folds,
    summarise_folds,
)
from covid_xray.steps import box, parameters, step, themselves
from covid_xray.training.runs import join_runs, tabulate_runs

_TRANSFER = parameters(transfer="modeling.transfer")
_TRAINING = parameters("splitting", training="modeling.training")


def backbone_box(backbone: Backbone) -> Pipeline:
    """A run per fold of a backbone, classes of equal weight."""
    folds = f"{backbone.id}_fold"
    tables = [f"{folds}_{table}" for table in ("runs", "histories", "predictions")]
    trained = {"activations": f"{backbone.id}_activations"} | _TRANSFER | _TRAINING
    classifiers = f"{folds}_classifiers"
    return box(
        backbone.id,
        step(FoldNodes(backbone).train_folds, classifiers, **trained),
        step(tabulate_runs, tables, classifiers=classifiers),
    )


def create_pipeline() -> Pipeline:
    """Mean and standard deviation of Table 5's scores over folds."""
    folds = parameters("splitting", "cross_validation") | _TRANSFER
    predictions = themselves(*[f"{backbone.id}_fold_predictions" for backbone in BACKBONES])
    scores = ["fold_scores", "cross_validation_scores"]
    return box(
        "cross_validation",
        *map(backbone_box, BACKBONES),
        step(assign_variant_to_folds, "folds", "assign_folds", **folds),
        step(join_runs, ["fold_predictions"], **predictions),
        step(summarise_folds, scores, **parameters("intervals")),
    )
