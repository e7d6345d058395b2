"""The pipeline `modeling`: the grid of transfer classifiers, and the frozen ones of Tables 3, 4."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.bound import bound
from covid_xray.pipelines.dotted_names import dotted_names
from covid_xray.pipelines.modeling.describing import (
    draw_explanations,
    draw_histories,
    draw_predictions,
    score_classes,
)
from covid_xray.pipelines.modeling.frozen import (
    extract_children_features,
    extract_original_features,
    extract_variant_features,
    train_augmentation_settings,
    train_preprocessing_variants,
)
from covid_xray.pipelines.modeling.grid import (
    AUGMENTED_SETS,
    BACKBONES,
    CLASS_WEIGHTS,
    class_weights_of,
)
from covid_xray.pipelines.modeling.parameters import BackboneParameters
from covid_xray.pipelines.modeling.planning import (
    plan_augmentation_settings,
    plan_laplacian_sweep,
    plan_preprocessing_variants,
)
from covid_xray.pipelines.modeling.transfer import (
    extract_trunk_features,
    train_classifier,
)

_SHARED = {"params:transfer": "params:modeling.transfer"}
_FROZEN = ["params:modeling.transfer", "params:modeling.frozen"]
_STUDY = {"images", "augmented_images", "study_variants"}


def backbone_template(backbone: BackboneParameters) -> Pipeline:
    """Pass the study through a backbone's trunk, once."""
    return Pipeline(
        [
            Node(
                bound(extract_trunk_features, backbone=backbone),
                inputs=["images", "augmented_images", "study_variants", "params:transfer"],
                outputs="trunk_features",
                name="extract_trunk_features",
            ),
        ]
    )


def training_template(backbone: BackboneParameters) -> Pipeline:
    """Train and score the tail under one setting of class weights."""
    return Pipeline(
        [
            Node(
                bound(train_classifier, backbone=backbone),
                inputs=[
                    "images",
                    "augmented_images",
                    "study_variants",
                    "trunk_features",
                    "params:transfer",
                    "params:training",
                    "params:class_weights",
                ],
                outputs=["classifier", "history", "summary", "predictions"],
                name="train_classifier",
            ),
        ]
    )


def description_template() -> Pipeline:
    """Scores, learning curves, Grad-CAM and confidence of a backbone under Table 5's weights."""
    predictions = [f"{weights}.predictions" for weights in CLASS_WEIGHTS]
    models = [
        f"{weights}.{output}"
        for weights in CLASS_WEIGHTS
        for output in ("classifier", "predictions")
    ]
    return Pipeline(
        [
            Node(
                bound(score_classes, names=tuple(CLASS_WEIGHTS)),
                inputs=["params:intervals", *predictions],
                outputs=["class_scores", "confusion"],
                name="score_classes",
            ),
            Node(
                bound(draw_histories, names=tuple(CLASS_WEIGHTS), titles=CLASS_WEIGHTS),
                inputs=[f"{weights}.history" for weights in CLASS_WEIGHTS],
                outputs=["overfitting", "learning_curves"],
                name="draw_histories",
            ),
            Node(
                bound(draw_predictions, names=tuple(CLASS_WEIGHTS), titles=CLASS_WEIGHTS),
                inputs=["confusion", *predictions],
                outputs=["confusion_matrices", "confidence"],
                name="draw_predictions",
            ),
            Node(
                bound(draw_explanations, titles=list(CLASS_WEIGHTS.values())),
                inputs=["images", "radiograph_index", "params:transfer", *models],
                outputs="grad_cam",
                name="draw_explanations",
            ),
        ]
    )


def training_instance(backbone: str, class_weights: str) -> Pipeline:
    """The training template for one backbone under one setting of class weights."""
    features = f"modeling.{backbone}.trunk_features"
    return Pipeline(
        training_template(BACKBONES[backbone]),
        namespace=f"modeling.{backbone}.{class_weights}",
        inputs={name: name for name in _STUDY} | {"trunk_features": features},
        parameters=_SHARED
        | {
            "params:training": "params:modeling.training",
            "params:class_weights": f"params:modeling.class_weights.{class_weights}",
        },
    )


def grid() -> Pipeline:
    """Every backbone under every setting of class weights."""
    instances = []
    for name, backbone in BACKBONES.items():
        instances.append(
            Pipeline(
                backbone_template(backbone),
                namespace=f"modeling.{name}",
                inputs=_STUDY,
                parameters=_SHARED,
            )
        )
        instances += [training_instance(name, weights) for weights in class_weights_of(name)]
        instances.append(
            Pipeline(
                description_template(),
                namespace=f"modeling.{name}",
                inputs={"images", "radiograph_index"},
                parameters=_SHARED | {"params:intervals": "params:intervals"},
            )
        )
    return sum(instances, Pipeline([]))


def augmentation_settings() -> Pipeline:
    """Tables 2 and 3, and the Laplacian sweep, on a frozen backbone."""
    planned = ["augmentation_rows", "augmentation_children"]
    return Pipeline(
        [
            Node(
                plan_augmentation_settings,
                inputs=[
                    "published_table_2",
                    "splits",
                    "radiograph_features",
                    "lung_features",
                    "params:splitting",
                    "params:augmentation",
                    "params:sharpness",
                ],
                outputs=["augmentation_settings", "augmentation_children", "augmentation_rows"],
                name="plan_augmentation_settings",
            ),
            Node(
                plan_laplacian_sweep,
                inputs=[
                    "splits",
                    "radiograph_features",
                    "augmentation_children",
                    "params:splitting",
                    "params:augmentation",
                    "params:modeling.frozen",
                ],
                outputs="laplacian_rows",
                name="plan_laplacian_sweep",
            ),
            Node(
                extract_original_features,
                inputs=["images", "lung_masks", "augmentation_rows", "laplacian_rows", *_FROZEN],
                outputs="original_features",
                name="extract_original_features",
            ),
            *[
                Node(
                    bound(extract_children_features, name=name),
                    inputs=[
                        "images",
                        "lung_masks",
                        *planned,
                        "params:augmentation",
                        "params:reading",
                        *_FROZEN,
                    ],
                    outputs=f"{name}_children_features",
                    name=f"extract_{name}_children_features",
                )
                for name in AUGMENTED_SETS
            ],
            Node(
                train_augmentation_settings,
                inputs=[
                    "images",
                    "lung_masks",
                    "augmentation_settings",
                    *planned,
                    "laplacian_rows",
                    *_FROZEN,
                    "original_features",
                    *[f"{name}_children_features" for name in AUGMENTED_SETS],
                ],
                outputs=[
                    "augmentation_runs",
                    "augmentation_predictions",
                    "laplacian_runs",
                    "laplacian_predictions",
                ],
                name="train_augmentation_settings",
            ),
        ]
    )


def preprocessing_variants() -> Pipeline:
    """Table 4: a frozen backbone on every variant of the study."""
    pixels = ["images", "augmented_images", "autoencoded_images", "lung_masks"]
    return Pipeline(
        [
            Node(
                plan_preprocessing_variants,
                inputs=["study_variants", "masked_variant"],
                outputs="preprocessing_rows",
                name="plan_preprocessing_variants",
            ),
            Node(
                extract_variant_features,
                inputs=[*pixels, "preprocessing_rows", *_FROZEN],
                outputs="variant_features",
                name="extract_variant_features",
            ),
            Node(
                train_preprocessing_variants,
                inputs=[*pixels, "preprocessing_rows", "variant_features", *_FROZEN],
                outputs=["preprocessing_runs", "preprocessing_predictions"],
                name="train_preprocessing_variants",
            ),
        ]
    )


def create_pipeline() -> Pipeline:
    """Everything that is trained to tell the four classes apart."""
    with dotted_names():
        return grid() + augmentation_settings() + preprocessing_variants()
