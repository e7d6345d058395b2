"""The pipeline `cross_validation`: folds of every backbone, each prepared anew."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.cross_validation.nodes import (
    FoldNodes,
    plan_study_folds,
    summarise_folds,
)
from covid_xray.steps import box, parameters, step, themselves
from covid_xray.training.runs import join_runs, tabulate_runs

_TRANSFER = parameters(transfer="modeling.transfer")
_TRAINING = parameters(training="modeling.training")


def backbone_box(backbone: Backbone) -> Pipeline:
    """A run per fold of a backbone, classes of equal weight."""
    folds = f"{backbone.id}_fold"
    tables = [f"{folds}_{table}" for table in ("runs", "histories", "predictions")]
    activations, classifiers = f"{folds}_activations", f"{folds}_classifiers"
    trained = {"fold_activations": activations} | _TRANSFER | _TRAINING
    nodes = FoldNodes(backbone)
    return box(
        backbone.id,
        step(nodes.extract_fold_activations, activations, **_TRANSFER),
        step(nodes.train_folds, classifiers, **trained),
        step(tabulate_runs, tables, classifiers=classifiers),
    )


def create_pipeline() -> Pipeline:
    """Mean and standard deviation of Table 5's scores over folds."""
    made = ["folds", "fold_rows", "fold_augmented_sets"]
    planned = parameters("splitting", "augmentation", "sharpness", "cross_validation")
    predictions = themselves(*[f"{backbone.id}_fold_predictions" for backbone in BACKBONES])
    scores = ["fold_scores", "cross_validation_scores"]
    return box(
        "cross_validation",
        *map(backbone_box, BACKBONES),
        step(plan_study_folds, made, **planned, **_TRANSFER),
        step(join_runs, ["fold_predictions"], **predictions),
        step(summarise_folds, scores, **parameters("intervals")),
    )
