"""The pipeline `segmentation`: pairs, U-Net, scores, and the masks that are used afterwards."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.segmentation.nodes import (
    choose_lung_masks,
    describe_lungs,
    draw_mask_resizing,
    draw_segmentation,
    fit_unet,
    gather_lung_pairs,
    list_masked_variant,
    predict_lung_masks,
    score_unet,
    summarise_segmentation,
    write_segmentation_page,
)

_PAIRS = ["images", "masks", "pair_images", "pair_masks"]
_MASKS = "params:segmentation.masks"
_READ_BY_PAGE = [
    "segmentation_scores",
    "lung_anova",
    "rejected_pairs",
    "mask_resizing",
    "unet_learning_curves",
    "segmentation_examples",
    "mask_quality_figure",
    "lung_area_figure",
]


def create_pipeline() -> Pipeline:
    """Learn to find the lungs, and give every radiograph a mask."""
    return Pipeline(
        [
            Node(
                gather_lung_pairs,
                inputs=[
                    "radiograph_index",
                    "duplicate_groups",
                    "segmentation_pairs",
                    "params:reading",
                    "params:duplicates",
                    "params:segmentation.pairs",
                ],
                outputs=["lung_pairs", "pair_images", "pair_masks", "rejected_pairs"],
                name="gather_lung_pairs",
            ),
            Node(
                draw_mask_resizing,
                inputs=["lung_pairs", "radiography_study", "segmentation_pairs"],
                outputs="mask_resizing",
                name="draw_mask_resizing",
            ),
            Node(
                fit_unet,
                inputs=["lung_pairs", *_PAIRS, "params:segmentation.unet"],
                outputs=["unet", "unet_history"],
                name="fit_unet",
            ),
            Node(
                score_unet,
                inputs=["unet", "lung_pairs", *_PAIRS, _MASKS],
                outputs="segmentation_pair_scores",
                name="score_unet",
            ),
            Node(
                summarise_segmentation,
                inputs=["segmentation_pair_scores", "published_figures", "params:intervals"],
                outputs="segmentation_scores",
                name="summarise_segmentation",
            ),
            Node(
                draw_segmentation,
                inputs=["unet", "unet_history", "lung_pairs", "segmentation_pair_scores", *_PAIRS],
                outputs=["unet_learning_curves", "segmentation_examples"],
                name="draw_segmentation",
            ),
            Node(
                predict_lung_masks,
                inputs=["unet", "radiograph_index", "images", "masks", _MASKS, "params:reading"],
                outputs=["predicted_masks", "mask_quality"],
                name="predict_lung_masks",
            ),
            Node(
                choose_lung_masks,
                inputs=[
                    "radiograph_index",
                    "images",
                    "masks",
                    "predicted_masks",
                    "radiograph_features",
                    _MASKS,
                ],
                outputs=["lung_masks", "lung_features"],
                name="choose_lung_masks",
            ),
            Node(
                list_masked_variant,
                inputs=[
                    "splits",
                    "lung_features",
                    "augmentation_plan",
                    "params:splitting",
                    "params:augmentation",
                    "params:sharpness",
                ],
                outputs="masked_variant",
                name="list_masked_variant",
            ),
            Node(
                describe_lungs,
                inputs=["mask_quality", "lung_features"],
                outputs=["mask_quality_figure", "lung_area_figure", "lung_anova"],
                name="describe_lungs",
            ),
            Node(
                write_segmentation_page,
                inputs={name: name for name in _READ_BY_PAGE},
                outputs="segmentation_page",
                name="write_segmentation_page",
            ),
        ],
        namespace="segmentation",
        prefix_datasets_with_namespace=False,
    )
