"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray import pages
from covid_xray.absence import NotMade
from covid_xray.evaluation.anova import analyse_variance
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.overlap import summarise_overlap
from covid_xray.evaluation.published import published_value
from covid_xray.imaging.arrays import RowStream
from covid_xray.models.settings import UNetSettings
from covid_xray.pipelines.segmentation.parameters import MaskParameters, PairParameters
from covid_xray.split import Split
from covid_xray.studies.lung_masks import MASK_FEATURES, choose_masks, mean_mask, measure_inside
from covid_xray.studies.pairs import (
    StudyRadiographs,
    assign_pairs,
    best_median_worst,
    pairs_of_folder,
    pairs_of_study,
    score_masks,
)
from covid_xray.studies.parameters import (
    AugmentationParameters,
    DuplicateParameters,
    ReadingParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.pixels import IMAGES
from covid_xray.studies.reading import read_pair
from covid_xray.studies.study import RadiographyStudy
from covid_xray.studies.variants import MASKED, list_variants

logger = logging.getLogger(__name__)

Images = NDArray[np.uint8]
KerasModel: TypeAlias = Any
Figure: TypeAlias = Any

_SCORES = {"method": "", "label": "", "score": "", "value": ".3f", "n_pairs": "", "note": ""}
_ANOVA: pages.Forms = {
    "feature": "", "n": "", "f_statistic": ".4g", "p_value": pages.p_value,
    "eta_squared": ".3f", "note": "",
}  # fmt: skip
UNET, BACKGROUND, MEAN_MASK = "U-Net", "all background", "mean training mask"


def gather_lung_pairs(
    radiograph_index: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    images: Images,
    splits: pd.DataFrame,
    segmentation_pairs: RadiographyStudy | None,
    reading: ReadingParameters,
    duplicates: DuplicateParameters,
    pairs: PairParameters,
) -> tuple[pd.DataFrame, Images, Images, pd.DataFrame]:
    """List pairs of radiograph and lung mask: the study's own, or else those of a second folder.

    Nothing is learnt from a radiograph that the study's split holds out.

    Returns:
        Table `LUNG_PAIRS`; the second folder's images and masks (empty if the study has its own);
        and its rejected files.
    """
    found = pairs_of_study(radiograph_index, splits, reading.side)
    if found is None:
        study = StudyRadiographs(splits, images, radiograph_features["perceptual_hash"].to_numpy())
        found = pairs_of_folder(segmentation_pairs, reading, duplicates, study)
    elif segmentation_pairs is not None:
        logger.warning("The study has lung masks of its own: segmentation_pairs is not used.")
    table = assign_pairs(found.table, pairs.shares, most=pairs.most, seed=pairs.seed)
    logger.info("Lung pairs per class and split:\n%s", pd.crosstab(table["label"], table["split"]))
    return table, found.images, found.masks, found.rejected


def draw_mask_resizing(
    lung_pairs: pd.DataFrame,
    radiography_study: RadiographyStudy,
    segmentation_pairs: RadiographyStudy | None,
) -> Figure:
    """Report B's figure: a radiograph and its mask before and after they have one size."""
    from covid_xray.figures.segmentation import draw_resizing

    first = lung_pairs.iloc[0]
    origin = radiography_study if first["array"] == IMAGES else segmentation_pairs
    assert origin is not None  # or there would be no pair
    return draw_resizing(*read_pair(origin, first["pair_id"]))


def fit_unet(
    lung_pairs: pd.DataFrame,
    images: Images,
    masks: Images,
    pair_images: Images,
    pair_masks: Images,
    unet: UNetSettings,
) -> tuple[KerasModel, pd.DataFrame]:
    """Train the U-Net on the training pairs.

    Returns:
        The weights of the best validation Dice, and losses and Dice by epoch.
    """
    from covid_xray.models.unet import build_unet
    from covid_xray.training.batches import SplitRows
    from covid_xray.training.fitting import without_training
    from covid_xray.training.unet import train_unet

    pixels, lungs = _pair_arrays(lung_pairs, images, masks, pair_images, pair_masks)
    model = build_unet(unet, pixels.shape[1])
    history = train_unet(
        model,
        pixels,
        lungs,
        rows=SplitRows(_rows(lung_pairs, Split.TRAIN), _rows(lung_pairs, Split.VALIDATION)),
        settings=unet,
    )
    return without_training(model), history


def score_unet(
    unet: KerasModel,
    lung_pairs: pd.DataFrame,
    images: Images,
    masks: Images,
    pair_images: Images,
    pair_masks: Images,
    mask_parameters: MaskParameters,
) -> pd.DataFrame:
    """Score the U-Net on the test pairs, beside two baselines that look at no radiograph."""
    from covid_xray.models.unet import predict_masks

    pixels, lungs = _pair_arrays(lung_pairs, images, masks, pair_images, pair_masks)
    test = lung_pairs[lung_pairs["split"] == Split.TEST]
    average = mean_mask(lungs, _rows(lung_pairs, Split.TRAIN))
    batches = predict_masks(unet, pixels, test["row"].to_numpy(), mask_parameters.batch_size)
    methods = {
        UNET: [mask for batch, _ in batches for mask in batch],
        BACKGROUND: [np.zeros_like(average)] * len(test),
        MEAN_MASK: [average] * len(test),
    }
    return score_masks(methods, lungs, test)


def summarise_segmentation(
    segmentation_pair_scores: pd.DataFrame,
    published_figures: pd.DataFrame,
    intervals: Intervals,
) -> pd.DataFrame:
    """Means per method and class with 95 % intervals, the published accuracy beside ours."""
    table = summarise_overlap(segmentation_pair_scores, intervals)
    reported = pd.Series({"method": UNET, "label": "all", "score": "pixel_accuracy"})
    theirs = (table[reported.index] == reported).all(axis="columns")
    known = published_value(published_figures, "unet_pixel_accuracy", "B")
    return table.assign(published=np.where(theirs, known, np.nan))


def draw_segmentation(
    unet: KerasModel,
    unet_history: pd.DataFrame,
    lung_pairs: pd.DataFrame,
    segmentation_pair_scores: pd.DataFrame,
    images: Images,
    masks: Images,
    pair_images: Images,
    pair_masks: Images,
) -> tuple[Figure, Figure]:
    """Learning curves, and overlays of the best, median and worst test pairs."""
    from covid_xray.figures.curves import draw_learning_curves
    from covid_xray.figures.segmentation import draw_segmentation_examples
    from covid_xray.models.unet import predict_masks

    pixels, lungs = _pair_arrays(lung_pairs, images, masks, pair_images, pair_masks)
    scores = segmentation_pair_scores
    shown = best_median_worst(scores[scores["method"] == UNET])
    rows = shown["row"].to_numpy()
    ((predicted, _),) = predict_masks(unet, pixels, rows, len(rows))
    overlays = draw_segmentation_examples(pixels[rows], lungs[rows], predicted, shown)
    return draw_learning_curves({UNET: unet_history}), overlays


def predict_lung_masks(
    unet: KerasModel,
    radiograph_index: pd.DataFrame,
    images: Images,
    masks: Images,
    mask_parameters: MaskParameters,
    reading: ReadingParameters,
) -> tuple[Images, pd.DataFrame]:
    """Predict a lung mask for every radiograph, and judge each.

    Returns:
        0/1 uint8 masks, in the index's order, and table `MASK_QUALITY`.
    """
    from covid_xray.models.unet import find_lungs

    size, folder = mask_parameters.batch_size, reading.scratch_folder
    predicted, judged = find_lungs(unet, images, masks, size, folder)
    return predicted, pd.concat([radiograph_index[["image_id", "label"]], judged], axis="columns")


def choose_lung_masks(
    radiograph_index: pd.DataFrame,
    images: Images,
    masks: Images,
    predicted_masks: Images | NotMade,
    radiograph_features: pd.DataFrame,
    mask_parameters: MaskParameters,
) -> tuple[RowStream, pd.DataFrame]:
    """The masks that `segmentation.masks.source` asks for, and the features inside them.

    Returns:
        0/1 uint8 masks, in the index's order, all 0 where there is none; and table
        `RADIOGRAPH_FEATURES`, measured at the stored size where a mask is predicted.

    Raises:
        ValueError: if predicted masks are asked for, and the study can't have them.
    """
    use_predicted = mask_parameters.source.is_predicted(radiograph_index["has_mask"].to_numpy())
    if isinstance(predicted_masks, NotMade):
        if use_predicted.any():
            raise ValueError(
                f"mask_source={mask_parameters.source} asks for predicted lung masks, but "
                f"{predicted_masks.reason}"
            )
        predicted_masks = masks
    rows = np.flatnonzero(use_predicted)
    features = measure_inside(radiograph_features, images, predicted_masks, rows)
    return choose_masks(masks, predicted_masks, use_predicted), features


def list_masked_variant(
    splits: pd.DataFrame,
    lung_features: pd.DataFrame,
    augmentation_plan: pd.DataFrame,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    sharpness: SharpnessParameters,
) -> pd.DataFrame:
    """The rows of the variant `masked`, among radiographs that have one of the chosen masks."""
    variants = list_variants(
        splits,
        lung_features,
        augmentation_plan,
        splitting,
        images_per_class=augmentation.images_per_class,
        min_laplacian_variance=sharpness.min_laplacian_variance,
    )
    return variants[variants["variant"] == MASKED].reset_index(drop=True)


def describe_lungs(
    mask_quality: pd.DataFrame | NotMade, lung_features: pd.DataFrame
) -> tuple[Figure | NotMade, Figure, pd.DataFrame]:
    """Quality of the predicted masks, and mask area and its kin per class under the chosen ones."""
    from covid_xray.figures.distributions import draw_distribution
    from covid_xray.figures.segmentation import draw_mask_quality

    return (
        mask_quality if isinstance(mask_quality, NotMade) else draw_mask_quality(mask_quality),
        draw_distribution(lung_features, "mask_area", "Lung mask area", "share of the picture"),
        analyse_variance(lung_features, list(MASK_FEATURES)),
    )


def write_segmentation_page(
    segmentation_scores: pd.DataFrame | NotMade,
    lung_anova: pd.DataFrame,
    rejected_pairs: pd.DataFrame | NotMade,
    **figures: Figure,
) -> str:
    """Scores, lungs and figures of the pipeline as one page."""
    return pages.page(
        "Segmentation: finding the lungs",
        pages.section(
            "Scores on test pairs", *pages.where_made(_write_scores, segmentation_scores)
        ),
        pages.section(
            "Lungs per class",
            "Analysis of variance of the features inside the chosen masks.",
            pages.table(lung_anova, _ANOVA),
        ),
        pages.section("Figures", pages.figures(figures)),
        pages.section(
            "Rejected files of a second folder",
            *pages.where_made(_write_rejected, rejected_pairs),
        ),
    )


def _write_scores(scores: pd.DataFrame) -> tuple[str, str]:
    return (
        "Means with 95 % intervals, and in brackets the published figure; Hausdorff distances in "
        "pixels.",
        pages.table(scores.rename(columns={"mean": "value"}), _SCORES),
    )


def _write_rejected(rejected_pairs: pd.DataFrame) -> tuple[str]:
    return (pages.counts(rejected_pairs, ["kind", "reason"]),)


def _pair_arrays(
    lung_pairs: pd.DataFrame, images: Images, masks: Images, pair_images: Images, pair_masks: Images
) -> tuple[Images, Images]:
    own = (lung_pairs["array"] == IMAGES).all()
    return (images, masks) if own else (pair_images, pair_masks)


def _rows(lung_pairs: pd.DataFrame, split: Split) -> NDArray[np.intp]:
    return lung_pairs.loc[lung_pairs["split"] == split, "row"].to_numpy()
