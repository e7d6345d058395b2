"""Nodes that draw what the study is like: sources, classes, distributions, examples."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.published import published_value
from covid_xray.imaging.augmentation import Augmentation, augment_pair
from covid_xray.pipelines.exploration.parameters import ExampleParameters
from covid_xray.split import Split
from covid_xray.studies.parameters import (
    AugmentationParameters,
    SharpnessParameters,
)
from covid_xray.studies.splits import draw_examples, kept_rows

Images = NDArray[np.uint8]
# matplotlib's and Plotly's figures. Kedro resolves a node's hints, and naming the classes here
# would load both libraries with the list of pipelines; so would importing the figures at the top.
Figure: TypeAlias = Any
InteractiveFigure: TypeAlias = Any

COVID = "COVID"
LAYER_NAMES = ["zoom", "+ rotation", "+ contrast", "+ brightness"]


def draw_study(index: pd.DataFrame) -> tuple[InteractiveFigure, Figure]:
    """Figures 1 and 2: sources per class, and class counts."""
    from covid_xray.figures.sources import draw_class_counts, draw_sources

    return draw_sources(index), draw_class_counts(index)


def draw_features(features: pd.DataFrame) -> tuple[Figure, Figure, Figure]:
    """Figures 3, 4 and 5: luminosity, RMS contrast and mask area per class."""
    from covid_xray.figures.distributions import draw_distribution

    return (
        draw_distribution(features, "luminosity", "Luminosity", "mean grey level, 0-255"),
        draw_distribution(features, "rms_contrast", "RMS contrast", "standard deviation of grey"),
        draw_distribution(features, "mask_area", "Lung mask area", "share of the picture"),
    )


def draw_mask_examples(
    index: pd.DataFrame, images: Images, masks: Images, examples: ExampleParameters
) -> Figure:
    """Annex 5: a radiograph of each class, its lung mask, and both."""
    from covid_xray.figures.montages import draw_lung_masks

    masked = index.loc[index["has_mask"], "label"]
    rows = draw_examples(masked, examples.per_class, examples.seed)
    return draw_lung_masks(images[rows], masks[rows], _titles(index, rows))


def draw_duplicate_pairs(
    pairs: pd.DataFrame, index: pd.DataFrame, images: Images, examples: ExampleParameters
) -> Figure:
    """Figure 8: duplicates, from the least to the most similar, with SSIM and hash distance."""
    from covid_xray.figures.montages import draw_duplicates

    n_pairs = min(examples.duplicate_pairs, len(pairs))
    spread = np.linspace(0, len(pairs) - 1, n_pairs).round().astype(int)
    shown = pairs.sort_values(["ssim", "image_id_1"]).iloc[spread].reset_index(drop=True)
    row_of = pd.Series(index.index, index=index["image_id"])
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
    """Figure 9: augmented images of one COVID radiograph under one to four transformations."""
    from covid_xray.figures.montages import draw_augmentations

    labels = splits["label"].iloc[kept_rows(splits, Split.TRAIN)]
    if (labels == COVID).any():
        labels = labels[labels == COVID]
    row = draw_examples(labels, 1, examples.seed)[0]
    seeds = range(examples.seed, examples.seed + examples.children)
    layers = [
        Augmentation.of_report(n_layers, augmentation.factor)
        for n_layers in range(1, len(LAYER_NAMES) + 1)
    ]
    no_mask = np.zeros_like(images[row])
    augmented = [
        [augment_pair(images[row], no_mask, seed, of_layers)[0] for seed in seeds]
        for of_layers in layers
    ]
    return draw_augmentations(images[row], np.array(augmented), LAYER_NAMES)


def draw_sharpness(
    features: pd.DataFrame,
    sharpness: pd.DataFrame,
    published: pd.DataFrame,
    thresholds: SharpnessParameters,
) -> tuple[Figure, Figure]:
    """The Laplacian variance per class, and the share that each threshold keeps."""
    from covid_xray.figures.sharpness import draw_kept_share, draw_sharpness_distribution

    first = published_value(published, "laplacian_first_threshold")
    lines = {"first threshold": first, "final threshold": thresholds.min_laplacian_variance}
    kept = [
        published_value(published, f"laplacian_50_{end}_kept_share")
        for end in ("lowest", "highest")
    ]
    return (
        draw_sharpness_distribution(features, lines),
        draw_kept_share(sharpness, (kept[0], kept[1]), first),
    )


def draw_threshold_examples(
    features: pd.DataFrame,
    images: Images,
    thresholds: SharpnessParameters,
    examples: ExampleParameters,
) -> Figure:
    """The radiographs nearest the final Laplacian threshold, on both sides of it."""
    from covid_xray.figures.sharpness import draw_near_threshold

    threshold = thresholds.min_laplacian_variance
    variance = features["laplacian_variance"]
    below = variance[variance < threshold].nlargest(examples.near_threshold)
    above = variance[variance >= threshold].nsmallest(examples.near_threshold)
    rows = [*reversed(below.index), *above.index]
    table = features.loc[rows, ["image_id", "label", "laplacian_variance"]].reset_index(drop=True)
    return draw_near_threshold(images[np.array(rows, dtype=np.intp)], table, threshold)


def _titles(index: pd.DataFrame, rows: NDArray[np.intp]) -> list[str]:
    shown = index.loc[rows]
    return [
        f"{label}\n{name}" for label, name in zip(shown["label"], shown["image_id"], strict=True)
    ]
