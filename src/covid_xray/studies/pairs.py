"""Pairs of radiograph and lung mask, to train a segmentation on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.studies.groups import find_duplicate_groups
from covid_xray.studies.reading import read_study, rejected_table
from covid_xray.studies.splits import split_groups
from covid_xray.studies.study import RadiographyStudy

Images = NDArray[np.uint8]
STUDY_ARRAY, FOLDER_ARRAY = "images", "pair_images"
PAIR_COLUMNS = ["pair_id", "label", "array", "row", "group_id"]


class NoPairsError(ValueError):
    """There is no lung mask to learn from."""


@dataclass(frozen=True)
class LungPairs:
    """Radiographs with a lung mask each.

    Attributes:
        table: `pair_id, label, array, row, group_id`; `row` counts in the study's `images` and
            `masks`, or in `pair_images` and `pair_masks`.
        images: uint8 array (n, side, side) of a second folder; empty for the study's own pairs.
        masks: 0/1 uint8 array of the same shape.
        rejected: files of the second folder that were left out.
    """

    table: pd.DataFrame
    images: Images
    masks: Images
    rejected: pd.DataFrame


def pairs_of_study(
    index: pd.DataFrame, duplicate_groups: pd.DataFrame, side: int
) -> LungPairs | None:
    """The study's own pairs, without redundant duplicates; None if it has no lung mask.

    Args:
        index: the study's index.
        duplicate_groups: its duplicate groups, in the same order.
        side: height and width of its arrays, in pixels.
    """
    usable = index["has_mask"] & ~duplicate_groups["is_redundant"]
    if not usable.any():
        return None
    none = np.empty((0, side, side), np.uint8)
    return LungPairs(
        _table(index, duplicate_groups["group_id"], usable, STUDY_ARRAY),
        none,
        none,
        rejected_table([]),
    )


def pairs_of_folder(
    study: RadiographyStudy | None,
    *,
    reading: Mapping[str, object],
    duplicates: Mapping[str, object],
) -> LungPairs:
    """Read the pairs of a second folder, and group its duplicates by the study's own rule.

    Args:
        study: the folder, opened.
        reading: arguments of `read_study`.
        duplicates: arguments of `find_duplicate_groups`.

    Raises:
        NoPairsError: if there is no folder, or not one usable mask in it.
    """
    if study is None:
        raise NoPairsError(
            "The study has no lung masks to learn from. Name a folder of pairs, images/*.png and "
            "masks/*.png of the same names: --params segmentation_pairs=FOLDER."
        )
    read = read_study(study, **reading)  # type: ignore[arg-type]
    if not read.index["has_mask"].any():
        raise NoPairsError(
            f"Not one of the {len(read.index)} radiographs in {study.files.location} has a usable "
            "lung mask: masks/ must hold files of the same names, with two grey levels."
            + _refusals(read.rejected)
        )
    hashes = read.features["perceptual_hash"].to_numpy()
    _, _, groups = find_duplicate_groups(read.index, hashes, read.images, **duplicates)  # type: ignore[arg-type]
    usable = read.index["has_mask"] & ~groups["is_redundant"]
    return LungPairs(
        _table(read.index, groups["group_id"], usable, FOLDER_ARRAY),
        read.images,
        read.masks,
        read.rejected,
    )


def _refusals(rejected: pd.DataFrame) -> str:
    if rejected.empty:
        return ""
    first = rejected.iloc[0]
    return f" {len(rejected)} file(s) were rejected, {first['file']} as {first['reason']}."


def _table(index: pd.DataFrame, groups: pd.Series, usable: pd.Series, array: str) -> pd.DataFrame:
    table = index[["image_id", "label"]].rename(columns={"image_id": "pair_id"})
    table = table.assign(array=array, row=np.arange(len(index)), group_id=groups.to_numpy())
    return table[usable.to_numpy()].reset_index(drop=True)[PAIR_COLUMNS]


def deal_pairs(
    table: pd.DataFrame, shares: Mapping[str, float], *, most: int | None, seed: int
) -> pd.DataFrame:
    """Deal pairs to training, validation and test, by duplicate group, in every class.

    Args:
        table: table of `LungPairs`.
        shares: share of each split.
        most: pairs to use at most; all if None.
        seed: seed of the draw and of the split.

    Returns:
        The pairs that are used, in their order, with `split`.
    """
    if most is not None and len(table) > most:
        table = table.sample(most, random_state=seed).sort_index().reset_index(drop=True)
    labels = _common_labels(table, len(shares))
    return table.assign(split=split_groups(labels, table["group_id"], shares, seed))


def _common_labels(table: pd.DataFrame, n_splits: int) -> pd.Series:
    """Classes to deal by: one with too few pairs to be in every split is dealt with the largest."""
    groups = table.groupby("label")["group_id"].nunique()
    rare = table["label"].map(groups < n_splits)
    return table["label"].mask(rare, groups.idxmax())
