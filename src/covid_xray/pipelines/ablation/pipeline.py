"""The pipeline `ablation`: a box per frozen backbone, then the page."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.pipelines.ablation import nodes
from covid_xray.pipelines.ablation.page import write_ablation_page
from covid_xray.steps import box, parameters, step
from covid_xray.training.runs import tabulate_runs

_SHARED = parameters("ablation", transfer="modeling.transfer")
_SCORED = parameters("ablation", "intervals")
_TABLES = ("runs", "histories", "predictions")


def augmentation_settings() -> Pipeline:
    """Tables 2 and 3, and the Laplacian sweep: they share a backbone."""
    planned = ["table_2", "augmented_sets", "augmentation_rows", "laplacian_rows"]
    scored = ["table_3", "laplacian_table", "laplacian_scores_figure"]
    classifiers = "augmentation_classifiers"
    return box(
        "augmentation_settings",
        step(
            nodes.plan_augmentation_settings,
            planned,
            **parameters("splitting", "augmentation", "ablation"),
        ),
        step(nodes.extract_augmentation_activations, "augmentation_activations", **_SHARED),
        step(nodes.train_augmentation_settings, classifiers, **_SHARED),
        step(
            tabulate_runs,
            [f"augmentation_{table}" for table in _TABLES],
            classifiers=classifiers,
        ),
        step(nodes.score_augmentation_settings, scored, **_SCORED),
    )


def preprocessing_variants() -> Pipeline:
    """Table 4: every variant of the study."""
    classifiers = "preprocessing_classifiers"
    return box(
        "preprocessing_variants",
        step(nodes.plan_preprocessing_variants, "preprocessing_rows"),
        step(nodes.extract_preprocessing_activations, "preprocessing_activations", **_SHARED),
        step(nodes.train_preprocessing_variants, classifiers, **_SHARED),
        step(
            tabulate_runs,
            [f"preprocessing_{table}" for table in _TABLES],
            classifiers=classifiers,
        ),
        step(nodes.make_table_4, "table_4", **_SCORED),
    )


def create_pipeline() -> Pipeline:
    """What augmentation, filtering, masking and autoencoding are worth to a frozen backbone."""
    page = step(write_ablation_page, "ablation_page")
    return box("ablation", augmentation_settings(), preprocessing_variants(), page)
