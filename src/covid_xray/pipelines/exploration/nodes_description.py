"""Nodes that draw what the study is like: sources, classes, distributions, examples."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.published import published_value
from covid_xray.evaluation.scoring import COVID
from covid_xray.imaging.augmentation import Augmentation, augment_pair
from covid_xray.pipelines.exploration.parameters import ExampleParameters
from covid_xray.split import Split
from covid_xray.studies.groups import spread_pairs
from covid_xray.studies.parameters import AugmentationParameters, SharpnessParameters
from covid_xray.studies.splits import draw_examples, kept_rows

Images = NDArray[np.uint8]
# matplotlib's and Plotly's figures. Kedro resolves a node's hints, and naming the classes here
# would load both libraries with the list of pipelines; so would importing the figures at the top.
Figure: TypeAlias = Any
InteractiveFigure: TypeAlias = Any

LAYER_NAMES = ["zoom", "+ rotation", "+ contrast", "+ brightness"]


def draw_study(radiograph_index: pd.DataFrame) -> tuple[InteractiveFigure, Figure]:
    """Figures 1 and 2: sources per class, and class counts."""
    from covid_xray.figures.sources import draw_class_counts, draw_sources

    return draw_sources(radiograph_index), draw_class_counts(radiograph_index)


def draw_features(radiograph_features: pd.DataFrame) -> tuple[Figure, Figure, Figure]:
    """Figures 3, 4 and 5: luminosity, RMS contrast and mask area per class."""
    from covid_xray.figures.distributions import draw_distribution

    return (
        draw_distribution(
            radiograph_features, "luminosity", "Luminosity", "mean grey level, 0-255"
        ),
        draw_distribution(
            radiograph_features, "rms_contrast", "RMS contrast", "standard deviation of grey"
        ),
        draw_distribution(
            radiograph_features, "mask_area", "Lung mask area", "share of the picture"
        ),
    )


def draw_mask_examples(
    radiograph_index: pd.DataFrame, images: Images, masks: Images, examples: ExampleParameters
) -> Figure:
    """Annex 5: a radiograph of each class, its lung mask, and both."""
    from covid_xray.figures.montages import draw_lung_masks

    masked = radiograph_index.loc[radiograph_index["has_mask"], "label"]
    rows = draw_examples(masked, examples.per_class, examples.seed)
    return draw_lung_masks(images[rows], masks[rows], _titles(radiograph_index, rows))


def draw_duplicate_pairs(
    duplicate_pairs: pd.DataFrame,
    radiograph_index: pd.DataFrame,
    images: Images,
    examples: ExampleParameters,
) -> Figure:
    """Figure 8: duplicates, from the least to the most similar, with SSIM and hash distance."""
    from covid_xray.figures.montages import draw_duplicates

    shown = spread_pairs(duplicate_pairs, examples.duplicate_pairs)
    row_of = pd.Series(radiograph_index.index, index=radiograph_index["image_id"])
    first, second = (
        images[row_of[shown[name]].to_numpy()] for name in ("image_id_1", "image_id_2")
    )
    return draw_duplicates(first, second, shown)


def draw_augmentation_examples(
    images: Images,
    splits: pd.DataFrame,
    augmentation: AugmentationParameters,
    examples: ExampleParameters,
) -> Figure:
    """Figure 9: one COVID radiograph, augmented by one to four transformations."""
    from covid_xray.figures.montages import draw_augmentations

    labels = splits["label"].iloc[kept_rows(splits, Split.TRAIN)]
    if (labels == COVID).any():
        labels = labels[labels == COVID]
    row = draw_examples(labels, 1, examples.seed)[0]
    seeds = range(examples.seed, examples.seed + examples.augmented_images)
    counts = range(1, len(LAYER_NAMES) + 1)
    layers = [Augmentation.of_report(count, augmentation.factor) for count in counts]
    no_mask = np.zeros_like(images[row])
    augmented = [
        [augment_pair(images[row], no_mask, seed, of_layers)[0] for seed in seeds]
        for of_layers in layers
    ]
    return draw_augmentations(images[row], np.array(augmented), LAYER_NAMES)


def draw_sharpness(
    radiograph_features: pd.DataFrame,
    images: Images,
    sharpness: pd.DataFrame,
    published_figures: pd.DataFrame,
    thresholds: SharpnessParameters,
    examples: ExampleParameters,
) -> tuple[Figure, Figure, Figure]:
    """The Laplacian variance per class, the share that each threshold keeps, and examples.

    The examples are the radiographs nearest the final threshold, on both sides of it.
    """
    from covid_xray.figures.sharpness import (
        draw_kept_share,
        draw_near_threshold,
        draw_sharpness_distribution,
    )

    final = thresholds.min_laplacian_variance
    first = published_value(published_figures, "laplacian_first_threshold")
    lines = {"first threshold": first, "final threshold": final}
    lowest, highest = (
        published_value(published_figures, f"laplacian_50_{end}_kept_share")
        for end in ("lowest", "highest")
    )
    near = _near_threshold(radiograph_features, final, examples.near_threshold)
    return (
        draw_sharpness_distribution(radiograph_features, lines),
        draw_kept_share(sharpness, (lowest, highest), first),
        draw_near_threshold(images[near.index.to_numpy()], near.reset_index(drop=True), final),
    )


def _near_threshold(features: pd.DataFrame, threshold: float, of_each: int) -> pd.DataFrame:
    """The radiographs just below and just above a threshold, ascending."""
    variance = features["laplacian_variance"]
    below = variance[variance < threshold].nlargest(of_each)
    above = variance[variance >= threshold].nsmallest(of_each)
    rows = [*reversed(below.index), *above.index]
    return features.loc[rows, ["image_id", "label", "laplacian_variance"]]


def _titles(radiograph_index: pd.DataFrame, rows: NDArray[np.intp]) -> list[str]:
    shown = radiograph_index.loc[rows]
    return [
        f"{label}\n{name}" for label, name in zip(shown["label"], shown["image_id"], strict=True)
    ]
