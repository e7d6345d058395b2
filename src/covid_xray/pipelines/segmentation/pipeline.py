"""The pipeline `segmentation`: pairs, U-Net, scores, and the masks that are used afterwards."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.pipelines.segmentation import nodes
from covid_xray.steps import box, parameters, step, themselves


def create_pipeline() -> Pipeline:
    """Learn to find the lungs, and give every radiograph a mask."""
    pairs = ["lung_pairs", "pair_images", "pair_masks", "rejected_pairs"]
    gathering = parameters("reading", "duplicates", pairs="segmentation.pairs")
    masks = parameters(mask_parameters="segmentation.masks")
    planned = parameters("splitting", "augmentation", "sharpness")
    learnt = ["unet_learning_curves", "segmentation_examples"]
    lungs = ["mask_quality_figure", "lung_area_figure", "lung_anova"]
    shown = themselves("mask_resizing", *learnt, *lungs[:2])
    return box(
        "segmentation",
        step(nodes.gather_lung_pairs, pairs, **gathering),
        step(nodes.draw_mask_resizing, "mask_resizing"),
        step(nodes.fit_unet, ["unet", "unet_history"], **parameters(unet="segmentation.unet")),
        step(nodes.score_unet, "segmentation_pair_scores", **masks),
        step(nodes.summarise_segmentation, "segmentation_scores", **parameters("intervals")),
        step(nodes.draw_segmentation, learnt),
        step(
            nodes.predict_lung_masks,
            ["predicted_masks", "mask_quality"],
            **masks,
            **parameters("reading"),
        ),
        step(
            nodes.choose_lung_masks,
            ["lung_masks", "lung_features"],
            without=["predicted_masks"],
            **masks,
        ),
        step(nodes.list_masked_variant, "masked_variant", **planned),
        step(nodes.describe_lungs, lungs, without=["mask_quality"]),
        step(
            nodes.write_segmentation_page,
            "segmentation_page",
            without=["segmentation_scores", "rejected_pairs", *shown],
            **shown,
        ),
    )
