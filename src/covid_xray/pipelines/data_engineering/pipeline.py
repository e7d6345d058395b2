"""The pipeline `data_engineering`."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.data_engineering.nodes import (
    augment_study,
    find_duplicates,
    make_table_1,
    measure_sharpness,
    plan_variants,
    read_radiographs,
    split_study,
    write_data_engineering_page,
)

_READ_BY_PAGE = [
    "splits",
    "rejected_radiographs",
    "duplicate_pairs",
    "label_conflicts",
    "sharpness",
    "study_variants",
    "table_1",
]


def create_pipeline() -> Pipeline:
    """From a study's files to arrays, tables, splits and variants."""
    return Pipeline(
        [
            Node(
                read_radiographs,
                inputs=["radiography_study", "params:reading"],
                outputs=[
                    "radiograph_index",
                    "radiograph_features",
                    "images",
                    "masks",
                    "rejected_radiographs",
                ],
                name="read_radiographs",
            ),
            Node(
                find_duplicates,
                inputs=["radiograph_index", "radiograph_features", "images", "params:duplicates"],
                outputs=["duplicate_pairs", "label_conflicts", "duplicate_groups"],
                name="find_duplicates",
            ),
            Node(
                measure_sharpness,
                inputs=["radiograph_features", "params:sharpness"],
                outputs="sharpness",
                name="measure_sharpness",
            ),
            Node(
                split_study,
                inputs=["duplicate_groups", "params:splitting"],
                outputs="splits",
                name="split_study",
            ),
            Node(
                plan_variants,
                inputs=[
                    "splits",
                    "radiograph_features",
                    "params:splitting",
                    "params:augmentation",
                    "params:sharpness",
                ],
                outputs=["augmentation_plan", "study_variants"],
                name="plan_variants",
            ),
            Node(
                augment_study,
                inputs=[
                    "images",
                    "masks",
                    "augmentation_plan",
                    "params:augmentation",
                    "params:reading",
                ],
                outputs=["augmented_images", "augmented_masks"],
                name="augment_study",
            ),
            Node(
                make_table_1,
                inputs=["radiograph_index", "published_table_1"],
                outputs="table_1",
                name="make_table_1",
            ),
            Node(
                write_data_engineering_page,
                inputs={name: name for name in _READ_BY_PAGE},
                outputs="data_engineering_page",
                name="write_data_engineering_page",
            ),
        ],
        namespace="data_engineering",
        prefix_datasets_with_namespace=False,
    )
