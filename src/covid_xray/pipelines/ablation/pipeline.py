"""The pipeline `ablation`: a box per frozen backbone, then the page."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.ablation.nodes import (
    extract_augmentation_activations,
    extract_preprocessing_activations,
    make_laplacian_table,
    make_table_3,
    make_table_4,
    plan_augmentation_settings,
    plan_laplacian_sweep,
    plan_preprocessing_variants,
    train_augmentation_settings,
    train_preprocessing_variants,
)
from covid_xray.pipelines.ablation.page import write_ablation_page
from covid_xray.training.runs import tabulate_runs

_ABLATION = "params:ablation"
_SHARED = ["params:modeling.transfer", _ABLATION]
_SCORED = [_ABLATION, "params:intervals"]


def augmentation_settings() -> Pipeline:
    """Tables 2 and 3, and the Laplacian sweep: they share a backbone."""
    study = ["splits", "radiograph_features"]
    rows = ["augmented_sets", "augmentation_rows", "laplacian_rows"]
    runs = ["augmentation_runs", "augmentation_predictions"]
    return Pipeline(
        [
            Node(
                plan_augmentation_settings,
                inputs=[
                    "published_table_2",
                    *study,
                    "lung_features",
                    "params:splitting",
                    "params:augmentation",
                ],
                outputs=["table_2", "augmented_sets", "augmentation_rows"],
                name="plan_augmentation_settings",
            ),
            Node(
                plan_laplacian_sweep,
                inputs=["table_2", *study, "augmented_sets", "params:splitting", _ABLATION],
                outputs="laplacian_rows",
                name="plan_laplacian_sweep",
            ),
            Node(
                extract_augmentation_activations,
                inputs=["images", "lung_masks", *rows, *_SHARED],
                outputs="augmentation_activations",
                name="extract_activations",
            ),
            Node(
                train_augmentation_settings,
                inputs=[
                    "images",
                    "lung_masks",
                    "table_2",
                    *rows,
                    "augmentation_activations",
                    *_SHARED,
                ],
                outputs="augmentation_classifiers",
                name="train_augmentation_settings",
            ),
            Node(
                tabulate_runs,
                inputs="augmentation_classifiers",
                outputs=["augmentation_runs", "augmentation_histories", "augmentation_predictions"],
                name="tabulate_runs",
            ),
            Node(
                make_table_3,
                inputs=["table_2", *runs, "published_table_3", *_SCORED],
                outputs="table_3",
                name="make_table_3",
            ),
            Node(
                make_laplacian_table,
                inputs=[*runs, *_SCORED],
                outputs=["laplacian_table", "laplacian_scores_figure"],
                name="make_laplacian_table",
            ),
        ],
        namespace="augmentation_settings",
        prefix_datasets_with_namespace=False,
    )


def preprocessing_variants() -> Pipeline:
    """Table 4: every variant of the study."""
    pixels = ["images", "augmented_images", "autoencoded_images", "lung_masks"]
    tables = [f"preprocessing_{table}" for table in ("runs", "histories", "predictions")]
    return Pipeline(
        [
            Node(
                plan_preprocessing_variants,
                inputs=["study_variants", "masked_variant"],
                outputs="preprocessing_rows",
                name="plan_preprocessing_variants",
            ),
            Node(
                extract_preprocessing_activations,
                inputs=[*pixels, "preprocessing_rows", *_SHARED],
                outputs="preprocessing_activations",
                name="extract_activations",
            ),
            Node(
                train_preprocessing_variants,
                inputs=[*pixels, "preprocessing_rows", "preprocessing_activations", *_SHARED],
                outputs="preprocessing_classifiers",
                name="train_preprocessing_variants",
            ),
            Node(
                tabulate_runs,
                inputs="preprocessing_classifiers",
                outputs=tables,
                name="tabulate_runs",
            ),
            Node(
                make_table_4,
                inputs=[tables[0], tables[2], "published_table_4", *_SCORED],
                outputs="table_4",
                name="make_table_4",
            ),
        ],
        namespace="preprocessing_variants",
        prefix_datasets_with_namespace=False,
    )


def create_pipeline() -> Pipeline:
    """What augmentation, filtering, masking and autoencoding are worth to a frozen backbone."""
    results = [
        "table_2",
        "table_3",
        "table_4",
        "laplacian_table",
        "laplacian_scores_figure",
        "augmentation_histories",
        "preprocessing_histories",
    ]
    written = Node(
        write_ablation_page, inputs=results, outputs="ablation_page", name="write_ablation_page"
    )
    return Pipeline(
        augmentation_settings() + preprocessing_variants() + Pipeline([written]),
        namespace="ablation",
        prefix_datasets_with_namespace=False,
    )
