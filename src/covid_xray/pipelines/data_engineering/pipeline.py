"""The pipeline `data_engineering`."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.pipelines.data_engineering import nodes
from covid_xray.steps import box, parameters, step


def create_pipeline() -> Pipeline:
    """From a study's files to arrays, tables, splits and variants."""
    read = ["radiograph_index", "radiograph_features", "images", "masks", "rejected_radiographs"]
    duplicates = ["duplicate_pairs", "label_conflicts", "duplicate_groups"]
    variants = ["augmentation_plan", "study_variants"]
    augmented = ["augmented_images", "augmented_masks"]
    planned = parameters("splitting", "augmentation", "sharpness")
    return box(
        "data_engineering",
        step(nodes.read_radiographs, read, **parameters("reading")),
        step(nodes.find_duplicates, duplicates, **parameters("duplicates")),
        step(nodes.measure_sharpness, "sharpness", **parameters("sharpness")),
        step(nodes.split_study, "splits", **parameters("splitting")),
        step(nodes.plan_variants, variants, **planned),
        step(nodes.augment_study, augmented, **parameters("augmentation", "reading")),
        step(nodes.make_table_1, "table_1"),
        step(nodes.write_data_engineering_page, "data_engineering_page"),
    )
