"""The pipeline `outlook`: more instances of the grid's training, on the features it has cached."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.bound import bound
from covid_xray.pipelines.dotted_names import dotted_names
from covid_xray.pipelines.modeling.grid import BACKBONES
from covid_xray.pipelines.outlook.nodes import (
    compare_optimisers,
    deal_folds,
    summarise_folds,
    train_fold,
    train_under_optimiser,
)

OPTIMISERS = ("adam", "sgd_momentum", "adagrad")
N_FOLDS = 5
_CLASS_WEIGHTS = "params:modeling.class_weights.covid_weight_1"
_STUDY = ["images", "augmented_images", "study_variants"]
_TRANSFER = ["params:modeling.transfer", "params:modeling.training"]


def cross_validation() -> Pipeline:
    """Every backbone on every fold, classes of equal weight."""
    folds = [
        Node(
            bound(train_fold, backbone=BACKBONES[backbone], fold=fold),
            inputs=[
                *_STUDY,
                "folds",
                f"modeling.{backbone}.trunk_features",
                *_TRANSFER,
                "params:splitting",
            ],
            outputs=f"outlook.{backbone}.fold_{fold}.fold_predictions",
            name=f"train_{backbone}_fold_{fold}",
        )
        for backbone in BACKBONES
        for fold in range(N_FOLDS)
    ]
    dealing = Node(
        bound(deal_folds, n_folds=N_FOLDS),
        inputs=["study_variants", "params:modeling.transfer", "params:splitting"],
        outputs="folds",
        name="deal_folds",
    )
    summary = Node(
        bound(summarise_folds, backbones=tuple(BACKBONES)),
        inputs=["params:intervals", *(node.outputs[0] for node in folds)],
        outputs=["fold_scores", "cross_validation"],
        name="summarise_folds",
    )
    return Pipeline([dealing, *folds, summary], tags="cross_validation")


def optimisers() -> Pipeline:
    """Every backbone under every optimiser, classes of equal weight."""
    runs = [(backbone, name) for backbone in BACKBONES for name in OPTIMISERS]
    trainings = [
        Node(
            bound(train_under_optimiser, backbone=BACKBONES[backbone]),
            inputs=[
                *_STUDY,
                f"modeling.{backbone}.trunk_features",
                *_TRANSFER,
                f"params:outlook.optimisers.{name}",
                _CLASS_WEIGHTS,
            ],
            outputs=[
                f"outlook.{backbone}.{name}.{output}"
                for output in ("classifier", "history", "summary", "predictions")
            ],
            name=f"train_{backbone}_{name}",
        )
        for backbone, name in runs
    ]
    comparison = Node(
        bound(compare_optimisers, optimisers=OPTIMISERS),
        inputs=[
            "params:intervals",
            *[
                f"outlook.{backbone}.{name}.{output}"
                for backbone, name in runs
                for output in ("summary", "history", "predictions")
            ],
        ],
        outputs="optimiser_comparison",
        name="compare_optimisers",
    )
    return Pipeline([*trainings, comparison], tags="optimisers")


def create_pipeline() -> Pipeline:
    """What Report A leaves to do."""
    with dotted_names():
        return cross_validation() + optimisers()
