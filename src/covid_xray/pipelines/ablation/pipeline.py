"""The pipeline `ablation`: a box per frozen backbone, then the page."""

from __future__ import annotations

from kedro.pipeline import Pipeline

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
from covid_xray.steps import step
from covid_xray.training.runs import tabulate_runs

_SPLITTING = {"splitting": "params:splitting"}
_AUGMENTATION = {"augmentation": "params:augmentation"}
_ABLATION = {"ablation": "params:ablation"}
_TRAINED = _ABLATION | {"transfer": "params:modeling.transfer"}
_SCORED = _ABLATION | {"intervals": "params:intervals"}


def augmentation_settings() -> Pipeline:
    """Tables 2 and 3, and the Laplacian sweep: they share a backbone."""
    planned = ["table_2", "augmented_sets", "augmentation_rows"]
    sweep = ["laplacian_table", "laplacian_scores_figure"]
    return Pipeline(
        [
            step(plan_augmentation_settings, planned, **_SPLITTING, **_AUGMENTATION),
            step(plan_laplacian_sweep, "laplacian_rows", **_SPLITTING, **_ABLATION),
            step(extract_augmentation_activations, "augmentation_activations", **_TRAINED),
            step(train_augmentation_settings, "augmentation_classifiers", **_TRAINED),
            step(
                tabulate_runs,
                [f"augmentation_{table}" for table in ("runs", "histories", "predictions")],
                classifiers="augmentation_classifiers",
            ),
            step(make_table_3, "table_3", **_SCORED),
            step(make_laplacian_table, sweep, **_SCORED),
        ],
        namespace="augmentation_settings",
        prefix_datasets_with_namespace=False,
    )


def preprocessing_variants() -> Pipeline:
    """Table 4: every variant of the study."""
    return Pipeline(
        [
            step(plan_preprocessing_variants, "preprocessing_rows"),
            step(extract_preprocessing_activations, "preprocessing_activations", **_TRAINED),
            step(train_preprocessing_variants, "preprocessing_classifiers", **_TRAINED),
            step(
                tabulate_runs,
                [f"preprocessing_{table}" for table in ("runs", "histories", "predictions")],
                classifiers="preprocessing_classifiers",
            ),
            step(make_table_4, "table_4", **_SCORED),
        ],
        namespace="preprocessing_variants",
        prefix_datasets_with_namespace=False,
    )


def create_pipeline() -> Pipeline:
    """What augmentation, filtering, masking and autoencoding are worth to a frozen backbone."""
    boxes = augmentation_settings() + preprocessing_variants()
    return Pipeline(
        boxes + Pipeline([step(write_ablation_page, "ablation_page")]),
        namespace="ablation",
        prefix_datasets_with_namespace=False,
    )
