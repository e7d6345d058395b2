"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.anova import analyse_variance
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.overlap import dice, overlap_scores, summarise_overlap
from covid_xray.evaluation.published import published_value
from covid_xray.imaging.arrays import RowStream, scratch_array
from covid_xray.imaging.features import EXPLORATORY_FEATURES, exploratory_features
from covid_xray.models.settings import UNetSettings
from covid_xray.pipelines.segmentation.parameters import (
    MaskParameters,
    MaskSource,
    PairParameters,
)
from covid_xray.progress import progress
from covid_xray.split import Split
from covid_xray.studies.pairs import STUDY_ARRAY, deal_pairs, pairs_of_folder, pairs_of_study
from covid_xray.studies.parameters import (
    AugmentationParameters,
    DuplicateParameters,
    ReadingParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.reading import read_pair
from covid_xray.studies.study import RadiographyStudy
from covid_xray.studies.variants import list_variants

logger = logging.getLogger(__name__)

Images = NDArray[np.uint8]
KerasModel: TypeAlias = Any
Figure: TypeAlias = Any

MASKED = "masked"
UNET, BACKGROUND, MEAN_MASK = "U-Net", "all background", "mean training mask"


def gather_lung_pairs(
    index: pd.DataFrame,
    duplicate_groups: pd.DataFrame,
    segmentation_pairs: RadiographyStudy | None,
    reading: ReadingParameters,
    duplicates: DuplicateParameters,
    pairs: PairParameters,
) -> tuple[pd.DataFrame, Images, Images, pd.DataFrame]:
    """List pairs of radiograph and lung mask: the study's own, or else those of a second folder.

    Returns:
        `pair_id, label, array, row, group_id, split`; the second folder's images and masks (empty
        if the study has its own); and its rejected files.
    """
    found = pairs_of_study(index, duplicate_groups, reading.side)
    if found is None:
        found = pairs_of_folder(
            segmentation_pairs, reading=reading.model_dump(), duplicates=duplicates.model_dump()
        )
    table = deal_pairs(found.table, pairs.shares, most=pairs.most, seed=pairs.seed)
    logger.info("Lung pairs per class and split:\n%s", pd.crosstab(table["label"], table["split"]))
    return table, found.images, found.masks, found.rejected


def draw_mask_resizing(
    lung_pairs: pd.DataFrame,
    study: RadiographyStudy,
    segmentation_pairs: RadiographyStudy | None,
) -> Figure:
    """Report B's figure: a radiograph and its mask before and after they have one size."""
    from covid_xray.figures.segmentation import draw_resizing

    first = lung_pairs.iloc[0]
    origin = study if first["array"] == STUDY_ARRAY else segmentation_pairs
    assert origin is not None  # or there would be no pair
    return draw_resizing(*read_pair(origin, first["pair_id"]))


def fit_unet(
    lung_pairs: pd.DataFrame,
    images: Images,
    masks: Images,
    pair_images: Images,
    pair_masks: Images,
    settings: UNetSettings,
) -> tuple[KerasModel, pd.DataFrame]:
    """Train the U-Net on the training pairs.

    Returns:
        The weights of the best validation Dice, and losses and Dice by epoch.
    """
    from covid_xray.models.unet import build_unet, train_unet, without_training

    pixels, lungs = _pair_arrays(lung_pairs, images, masks, pair_images, pair_masks)
    model = build_unet(settings, pixels.shape[1])
    history = train_unet(
        model,
        pixels,
        lungs,
        train_rows=_rows(lung_pairs, Split.TRAIN),
        validation_rows=_rows(lung_pairs, Split.VALIDATION),
        settings=settings,
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
    """Score the U-Net on the test pairs, beside two baselines that look at no radiograph.

    Returns:
        One row per method and pair: `method, pair_id, label, row`, and the scores.
    """
    from covid_xray.models.unet import mean_mask, predict_masks

    pixels, lungs = _pair_arrays(lung_pairs, images, masks, pair_images, pair_masks)
    test = lung_pairs[lung_pairs["split"] == Split.TEST]
    rows = test["row"].to_numpy()
    average = mean_mask(lungs, _rows(lung_pairs, Split.TRAIN))
    predicted = [
        mask
        for batch, _ in predict_masks(unet, pixels, rows, mask_parameters.batch_size)
        for mask in batch
    ]
    methods = {
        UNET: predicted,
        BACKGROUND: [np.zeros_like(average)] * len(rows),
        MEAN_MASK: [average] * len(rows),
    }
    keys = test[["pair_id", "label", "row"]].reset_index(drop=True)
    tables = []
    for method, of_method in methods.items():
        scores = [
            overlap_scores(mask, lungs[row]) for mask, row in zip(of_method, rows, strict=True)
        ]
        tables.append(pd.concat([keys, pd.DataFrame(scores)], axis="columns"))
        tables[-1].insert(0, "method", method)
    return pd.concat(tables, ignore_index=True)


def summarise_segmentation(
    pair_scores: pd.DataFrame, published: pd.DataFrame, intervals: Intervals
) -> pd.DataFrame:
    """Means per method and class with bootstrap intervals, the published accuracy beside ours."""
    table = summarise_overlap(pair_scores, intervals)
    theirs = (
        (table["method"] == UNET) & (table["label"] == "all") & (table["score"] == "pixel_accuracy")
    )
    known = published_value(published, "unet_pixel_accuracy", "B")
    return table.assign(published=np.where(theirs, known, np.nan))


def draw_segmentation(
    unet: KerasModel,
    unet_history: pd.DataFrame,
    lung_pairs: pd.DataFrame,
    pair_scores: pd.DataFrame,
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
    shown = _best_median_worst(pair_scores[pair_scores["method"] == UNET])
    rows = shown["row"].to_numpy()
    ((predicted, _),) = predict_masks(unet, pixels, rows, len(rows))
    overlays = draw_segmentation_examples(pixels[rows], lungs[rows], predicted, shown)
    return draw_learning_curves({UNET: unet_history}), overlays


def _best_median_worst(scores: pd.DataFrame, of_each: int = 2) -> pd.DataFrame:
    ordered = scores.sort_values(["dice", "pair_id"], ascending=[False, True]).reset_index(
        drop=True
    )
    middle = (len(ordered) - of_each) // 2
    places = {"best": 0, "median": max(middle, 0), "worst": max(len(ordered) - of_each, 0)}
    parts = [ordered.iloc[at : at + of_each].assign(rank=rank) for rank, at in places.items()]
    return pd.concat(parts).drop_duplicates("pair_id").reset_index(drop=True)


def predict_lung_masks(
    unet: KerasModel,
    index: pd.DataFrame,
    images: Images,
    masks: Images,
    mask_parameters: MaskParameters,
    reading: ReadingParameters,
) -> tuple[Images, pd.DataFrame]:
    """Predict a lung mask for every radiograph, and judge each.

    Returns:
        0/1 uint8 masks, in the index's order; and `image_id, label, area` (share of the picture),
        `n_components` (before all but two were removed) and `agreement` (Dice with the given
        mask, missing without one).
    """
    from covid_xray.models.unet import predict_masks

    predicted = scratch_array(images.shape, np.uint8, reading.scratch_folder)
    quality: list[tuple[float, int, float]] = []
    size = mask_parameters.batch_size
    rows = np.arange(len(images))
    batches = predict_masks(unet, images, rows, size)
    for batch, components in progress(batches, "Finding the lungs", -(-len(rows) // size)):
        start = len(quality)
        predicted[start : start + len(batch)] = batch
        given = masks[start : start + len(batch)]
        quality += [
            (mask.mean(), n, dice(mask, own) if own.any() else np.nan)
            for mask, n, own in zip(batch, components, given, strict=True)
        ]
    judged = pd.DataFrame(quality, columns=["area", "n_components", "agreement"])
    return predicted, pd.concat([index[["image_id", "label"]], judged], axis="columns")  # type: ignore[return-value]


def choose_lung_masks(
    index: pd.DataFrame,
    images: Images,
    masks: Images,
    predicted_masks: Images,
    radiograph_features: pd.DataFrame,
    mask_parameters: MaskParameters,
) -> tuple[RowStream, pd.DataFrame]:
    """The masks that `segmentation.masks.source` asks for, and the features inside them.

    Returns:
        0/1 uint8 masks, in the index's order, all 0 where there is none; and the radiographs'
        features, those inside the lungs measured with these masks (at the stored size where a
        mask is predicted).
    """
    use_predicted = {
        MaskSource.PROVIDED: np.zeros(len(index), dtype=bool),
        MaskSource.PREDICTED: np.ones(len(index), dtype=bool),
        MaskSource.PROVIDED_ELSE_PREDICTED: ~index["has_mask"].to_numpy(),
    }[mask_parameters.source]
    rows = np.flatnonzero(use_predicted)
    inside = list(EXPLORATORY_FEATURES[2:])
    features = radiograph_features.copy()
    if len(rows):
        measured = exploratory_features(images, predicted_masks, rows)
        features.loc[rows, inside] = measured[inside].to_numpy()
    chosen = (
        (predicted_masks if predicted else masks)[row : row + 1]
        for row, predicted in enumerate(use_predicted)
    )
    return RowStream(masks.shape, np.uint8, chosen), features


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
        images_per_class=augmentation.images_per_class,
        min_laplacian_variance=sharpness.min_laplacian_variance,
        shares=splitting.shares,
        protocol=splitting.protocol,
        seed=splitting.seed,
    )
    return variants[variants["variant"] == MASKED].reset_index(drop=True)


def describe_lungs(
    mask_quality: pd.DataFrame, lung_features: pd.DataFrame
) -> tuple[Figure, Figure, pd.DataFrame]:
    """Quality of the predicted masks, and mask area and its kin per class under the chosen ones."""
    from covid_xray.figures.distributions import draw_distribution
    from covid_xray.figures.segmentation import draw_mask_quality

    return (
        draw_mask_quality(mask_quality),
        draw_distribution(lung_features, "mask_area", "Lung mask area", "share of the picture"),
        analyse_variance(lung_features, list(EXPLORATORY_FEATURES[2:])),
    )


def _pair_arrays(
    lung_pairs: pd.DataFrame, images: Images, masks: Images, pair_images: Images, pair_masks: Images
) -> tuple[Images, Images]:
    own = (lung_pairs["array"] == STUDY_ARRAY).all()
    return (images, masks) if own else (pair_images, pair_masks)


def _rows(lung_pairs: pd.DataFrame, split: Split) -> NDArray[np.intp]:
    return lung_pairs.loc[lung_pairs["split"] == split, "row"].to_numpy()
