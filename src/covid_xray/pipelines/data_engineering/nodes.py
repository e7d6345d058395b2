"""Nodes of the pipeline: a study's steps, each a thin call of pure functions."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.augmentation import Augmentation, augment_radiographs
from covid_xray.imaging.sharpness import kept_share_by_threshold
from covid_xray.studies.groups import find_duplicate_groups
from covid_xray.studies.parameters import (
    AugmentationParameters,
    DuplicateParameters,
    ReadingParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.reading import read_study
from covid_xray.studies.splits import split_radiographs
from covid_xray.studies.study import RadiographyStudy
from covid_xray.studies.variants import list_variants, plan_augmentation

logger = logging.getLogger(__name__)

Images = NDArray[np.uint8]


def read_radiographs(
    study: RadiographyStudy, reading: ReadingParameters
) -> tuple[pd.DataFrame, pd.DataFrame, Images, Images, pd.DataFrame]:
    """Read every file of the study once.

    Returns:
        The index, the features, the images, the masks and the rejected files.
    """
    result = read_study(
        study,
        side=reading.side,
        min_side=reading.min_side,
        workers=reading.workers,
        scratch_folder=reading.scratch_folder,
    )
    counts = result.index["label"].value_counts(sort=False)
    logger.info(
        "Read %d radiographs (%s), %d with a lung mask; %d file(s) rejected",
        len(result.index),
        ", ".join(f"{label} {n}" for label, n in counts.items()),
        result.index["has_mask"].sum(),
        len(result.rejected),
    )
    return result.index, result.features, result.images, result.masks, result.rejected


def find_duplicates(
    index: pd.DataFrame, features: pd.DataFrame, images: Images, rule: DuplicateParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Find duplicate radiographs by Report A's rule.

    Returns:
        Pairs within a class, pairs across classes (label conflicts), and the groups they form.
    """
    hashes = features["perceptual_hash"].to_numpy()
    duplicates, conflicts, groups = find_duplicate_groups(
        index, hashes, images, **rule.model_dump()
    )
    logger.info(
        "%d duplicate pairs within classes, %d across: %d redundant radiographs",
        len(duplicates),
        len(conflicts),
        groups["is_redundant"].sum(),
    )
    return duplicates, conflicts, groups


def measure_sharpness(features: pd.DataFrame, sharpness: SharpnessParameters) -> pd.DataFrame:
    """Share of radiographs that each Laplacian threshold keeps, per class."""
    return kept_share_by_threshold(
        features["laplacian_variance"], features["label"], sharpness.thresholds
    )


def split_study(groups: pd.DataFrame, splitting: SplittingParameters) -> pd.DataFrame:
    """Deal the radiographs to training, validation and test."""
    splits = split_radiographs(groups, splitting.shares, splitting.protocol, splitting.seed)
    counts = pd.crosstab(splits["label"], splits["split"].where(splits["kept"], "redundant"))
    logger.info("Radiographs per class and split (%s):\n%s", splitting.protocol, counts)
    return splits


def plan_variants(
    splits: pd.DataFrame,
    features: pd.DataFrame,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    sharpness: SharpnessParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the augmented images to make and the rows of every variant."""
    plan = plan_augmentation(
        splits,
        images_per_class=augmentation.images_per_class,
        shares=splitting.shares,
        protocol=splitting.protocol,
        seed=splitting.seed,
    )
    variants = list_variants(
        splits,
        features,
        plan,
        images_per_class=augmentation.images_per_class,
        min_laplacian_variance=sharpness.min_laplacian_variance,
        shares=splitting.shares,
        protocol=splitting.protocol,
        seed=splitting.seed,
    )
    return plan, variants


def augment_study(
    images: Images,
    masks: Images,
    plan: pd.DataFrame,
    augmentation: AugmentationParameters,
    reading: ReadingParameters,
) -> tuple[Images, Images]:
    """Make the planned augmented radiographs, and their lung masks."""
    return augment_radiographs(
        images,
        masks,
        plan["parent_row"].tolist(),
        plan["seed"].tolist(),
        Augmentation.of_report(augmentation.n_layers, augmentation.factor),
        workers=augmentation.workers,
        scratch_folder=reading.scratch_folder,
    )
