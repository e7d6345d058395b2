"""The pipeline `modeling`: a template for a backbone, one for a class weight, and their grid."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.modeling.nodes import (
    build_initial_classifier,
    extract_trunk_features,
    predict_held_out,
    train_classifier,
)

# The axes of the grid. Each backbone has its cut and head, and each setting its weights, under
# `modeling` in the parameters.
BACKBONES = ("mobilenet",)
CLASS_WEIGHTS = ("covid_weight_1", "covid_weight_2", "covid_weight_3")

_SHARED = {"params:transfer": "params:modeling.transfer"}


def backbone_template() -> Pipeline:
    """Build a backbone's classifier and pass the study through its trunk, once."""
    return Pipeline(
        [
            Node(
                build_initial_classifier,
                inputs=["images", "study_variants", "params:backbone", "params:transfer"],
                outputs="initial_classifier",
                name="build_initial_classifier",
            ),
            Node(
                extract_trunk_features,
                inputs=[
                    "initial_classifier",
                    "images",
                    "augmented_images",
                    "study_variants",
                    "params:transfer",
                ],
                outputs="trunk_features",
                name="extract_trunk_features",
            ),
        ]
    )


def class_weight_template() -> Pipeline:
    """Train and score the tail under one setting of class weights."""
    return Pipeline(
        [
            Node(
                train_classifier,
                inputs=[
                    "initial_classifier",
                    "trunk_features",
                    "study_variants",
                    "params:transfer",
                    "params:training",
                    "params:class_weights",
                ],
                outputs=["classifier", "history", "summary"],
                name="train_classifier",
            ),
            Node(
                predict_held_out,
                inputs=[
                    "classifier",
                    "trunk_features",
                    "study_variants",
                    "params:transfer",
                    "params:training",
                ],
                outputs="predictions",
                name="predict_held_out",
            ),
        ]
    )


def create_pipeline() -> Pipeline:
    """Every backbone under every setting of class weights."""
    instances = []
    for backbone in BACKBONES:
        namespace = f"modeling.{backbone}"
        instances.append(
            Pipeline(
                backbone_template(),
                namespace=namespace,
                inputs={"images", "augmented_images", "study_variants"},
                parameters=_SHARED,
            )
        )
        own = ("initial_classifier", "trunk_features")
        instances += [
            Pipeline(
                class_weight_template(),
                namespace=f"{namespace}.{weights}",
                inputs={"study_variants": "study_variants"}
                | {name: f"{namespace}.{name}" for name in own},
                parameters=_SHARED
                | {
                    "params:training": "params:modeling.training",
                    "params:class_weights": f"params:modeling.class_weights.{weights}",
                },
            )
            for weights in CLASS_WEIGHTS
        ]
    return sum(instances, Pipeline([]))
