"""Nodes of the pipeline: a study's steps, each a thin call of pure functions."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray import pages
from covid_xray.imaging.augmentation import Augmentation, augment_radiographs
from covid_xray.imaging.sharpness import kept_share_by_threshold
from covid_xray.studies.file_sizes import SIZE_COLUMNS, file_size_table
from covid_xray.studies.groups import find_duplicate_groups
from covid_xray.studies.imported_splits import import_splits
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
    radiography_study: RadiographyStudy, reading: ReadingParameters
) -> tuple[pd.DataFrame, pd.DataFrame, Images, Images, pd.DataFrame]:
    """Read every file of the study once.

    Returns:
        Tables `RADIOGRAPH_INDEX` and `RADIOGRAPH_FEATURES`; images, masks; table `REJECTED_FILES`.
    """
    result = read_study(radiography_study, reading)
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
    radiograph_index: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    images: Images,
    duplicates: DuplicateParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Find duplicate radiographs by Report A's rule.

    Returns:
        Tables `DUPLICATE_PAIRS`, within a class and across classes (label conflicts), and
        `DUPLICATE_GROUPS`.
    """
    hashes = radiograph_features["perceptual_hash"].to_numpy()
    pairs, conflicts, groups = find_duplicate_groups(radiograph_index, hashes, images, duplicates)
    logger.info(
        "%d duplicate pairs within classes, %d across: %d redundant radiographs",
        len(pairs),
        len(conflicts),
        groups["is_redundant"].sum(),
    )
    return pairs, conflicts, groups


def measure_sharpness(
    radiograph_features: pd.DataFrame, sharpness: SharpnessParameters
) -> pd.DataFrame:
    """Share of radiographs that each Laplacian threshold keeps, per class."""
    return kept_share_by_threshold(
        radiograph_features["laplacian_variance"],
        radiograph_features["label"],
        sharpness.thresholds,
    )


def split_study(
    duplicate_groups: pd.DataFrame,
    imported_splits: pd.DataFrame | None,
    splitting: SplittingParameters,
) -> pd.DataFrame:
    """Assign the radiographs to training, validation and test: as a file says, or at random."""
    if imported_splits is None:
        splits = split_radiographs(duplicate_groups, splitting)
    else:
        splits = import_splits(duplicate_groups, imported_splits, splitting.protocol)
    counts = pd.crosstab(splits["label"], splits["split"].where(splits["kept"], "not used"))
    logger.info("Radiographs per class and split (%s):\n%s", splitting.protocol, counts)
    return splits


def plan_variants(
    splits: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    sharpness: SharpnessParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the augmented images to make and the rows of every variant."""
    plan = plan_augmentation(splits, splitting, augmentation.images_per_class)
    variants = list_variants(
        splits,
        radiograph_features,
        plan,
        splitting,
        images_per_class=augmentation.images_per_class,
        min_laplacian_variance=sharpness.min_laplacian_variance,
    )
    return plan, variants


def augment_study(
    images: Images,
    masks: Images,
    augmentation_plan: pd.DataFrame,
    augmentation: AugmentationParameters,
    reading: ReadingParameters,
) -> tuple[Images, Images]:
    """Make the planned augmented radiographs, and their lung masks."""
    return augment_radiographs(
        images,
        masks,
        augmentation_plan["source_row"].tolist(),
        augmentation_plan["seed"].tolist(),
        Augmentation.of_report(augmentation.n_layers, augmentation.factor),
        workers=augmentation.workers,
        scratch_folder=reading.scratch_folder,
    )


def make_table_1(radiograph_index: pd.DataFrame, published_table_1: pd.DataFrame) -> pd.DataFrame:
    """Report A's Table 1: bytes on disk per class."""
    return file_size_table(radiograph_index, published_table_1)


def write_data_engineering_page(
    splits: pd.DataFrame,
    rejected_radiographs: pd.DataFrame,
    duplicate_pairs: pd.DataFrame,
    label_conflicts: pd.DataFrame,
    sharpness: pd.DataFrame,
    study_variants: pd.DataFrame,
    table_1: pd.DataFrame,
) -> str:
    """What became of the study's files, as one page."""
    used = splits.assign(split=splits["split"].where(splits["kept"], "not used"))
    return pages.page(
        "Data engineering",
        pages.section("Radiographs per class and split", pages.counts(used, ["label", "split"])),
        pages.section(
            "Radiographs per variant and split", pages.counts(study_variants, ["variant", "split"])
        ),
        pages.section(
            "Rejected files", pages.counts(rejected_radiographs, ["label", "kind", "reason"])
        ),
        pages.section("Duplicate pairs per class", pages.counts(duplicate_pairs, ["label_1"])),
        pages.section("Label conflicts", pages.counts(label_conflicts, ["label_1", "label_2"])),
        pages.section(
            "Radiographs that a Laplacian threshold keeps",
            pages.table(
                sharpness, {"threshold": "", "label": "", "n_kept": "", "kept_share": ".1%"}
            ),
        ),
        pages.section(
            "Table 1: bytes on disk, in brackets the published figures",
            pages.table(table_1, {"label": ""} | dict.fromkeys(SIZE_COLUMNS, ",.0f")),
        ),
    )
