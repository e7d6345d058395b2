"""Pairs of radiograph and lung mask, to train a segmentation on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.overlap import overlap_scores
from covid_xray.studies.groups import find_duplicate_groups
from covid_xray.studies.parameters import DuplicateParameters, ReadingParameters
from covid_xray.studies.pixels import IMAGES, PAIR_IMAGES
from covid_xray.studies.reading import read_study, rejected_table
from covid_xray.studies.splits import split_groups
from covid_xray.studies.study import RadiographyStudy
from covid_xray.studies.variants import STUDY_VARIANTS
from covid_xray.tables import Maybe, Number, Text, columns_of, table

Images = NDArray[np.uint8]
LUNG_PAIRS = table(
    "a radiograph with a lung mask; `array` and `row` hold both",
    {
        "pair_id": Text(description="image_id of a radiograph with a lung mask"),
        **columns_of(STUDY_VARIANTS, "label", "array", "row", "group_id", "split"),
    },
)
SEGMENTATION_PAIR_SCORES = table(
    "a method and a test pair",
    {
        "method": Text(description="U-Net, or what looks at no radiograph"),
        **columns_of(LUNG_PAIRS, "pair_id", "label", "row"),
        "pixel_accuracy": Number(description="share of the pixels on which both masks agree"),
        "dice": Number(description="Dice, 0-1"),
        "iou": Number(description="intersection over union, 0-1"),
        "hausdorff": Maybe(description="Hausdorff distance, pixels; missing for one empty mask"),
    },
)


class NoPairsError(ValueError):
    """There is no lung mask to learn from."""


@dataclass(frozen=True)
class LungPairs:
    """Radiographs with a lung mask each.

    Attributes:
        table: `LUNG_PAIRS` before the split; `row` counts in the study's `images` and `masks`,
            or in `pair_images` and `pair_masks`.
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
    table = _table(index, duplicate_groups, usable, IMAGES)
    return LungPairs(table, none, none, rejected_table([]))


def pairs_of_folder(
    study: RadiographyStudy | None, reading: ReadingParameters, duplicates: DuplicateParameters
) -> LungPairs:
    """Read the pairs of a second folder, and group its duplicates by the study's own rule.

    Args:
        study: the folder, opened.
        reading: how its files become arrays.
        duplicates: the duplicate rule's parameters.

    Raises:
        NoPairsError: if there is no folder, or not one usable mask in it.
    """
    if study is None:
        raise NoPairsError(
            "The study has no lung masks to learn from. Name a folder of pairs, images/*.png and "
            "masks/*.png of the same names: --params segmentation_pairs=FOLDER."
        )
    read = read_study(study, reading)
    refused = [f"{file.file} as {file.reason}" for file in read.rejected.itertuples()]
    if not read.index["has_mask"].any():
        raise NoPairsError(
            f"Not one of the {len(read.index)} radiographs in {study.files.location} has a usable "
            "lung mask: masks/ must hold files of the same names, with two grey levels."
            + (f" {len(refused)} file(s) were rejected, {refused[0]}." if refused else "")
        )
    hashes = read.features["perceptual_hash"].to_numpy()
    *_, groups = find_duplicate_groups(read.index, hashes, read.images, duplicates)
    usable = read.index["has_mask"] & ~groups["is_redundant"]
    table = _table(read.index, groups, usable, PAIR_IMAGES)
    return LungPairs(table, read.images, read.masks, read.rejected)


def _table(
    index: pd.DataFrame, groups: pd.DataFrame, usable: pd.Series, array: str
) -> pd.DataFrame:
    pairs = index[["image_id", "label"]].rename(columns={"image_id": "pair_id"})
    group_id = groups["group_id"].to_numpy()
    pairs = pairs.assign(array=array, row=np.arange(len(index)), group_id=group_id)
    return pairs[usable.to_numpy()].reset_index(drop=True)


def assign_pairs(
    pairs: pd.DataFrame, shares: Mapping[str, float], *, most: int | None, seed: int
) -> pd.DataFrame:
    """Assign pairs to training, validation and test, by duplicate group, in every class.

    Args:
        pairs: table of `LungPairs`.
        shares: share of each split.
        most: pairs to use at most; all if None.
        seed: seed of the draw and of the split.

    Returns:
        Table `LUNG_PAIRS` of the pairs that are used, in their order.
    """
    if most is not None and len(pairs) > most:
        pairs = pairs.sample(most, random_state=seed).sort_index().reset_index(drop=True)
    groups = pairs.groupby("label")["group_id"].nunique()
    # A class with too few pairs for every split counts as the largest.
    labels = pairs["label"].mask(pairs["label"].map(groups < len(shares)), groups.idxmax())
    return pairs.assign(split=split_groups(labels, pairs["group_id"], shares, seed))


def score_masks(
    methods: Mapping[str, Sequence[Images]], masks: Images, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Score the masks that several methods give to the same pairs.

    Args:
        methods: one 0/1 uint8 mask (side, side) per pair, by method.
        masks: true masks, 0/1 uint8 array (n, side, side).
        pairs: rows of `LUNG_PAIRS`.

    Returns:
        Table `SEGMENTATION_PAIR_SCORES`.
    """
    keys = pairs[["pair_id", "label", "row"]].reset_index(drop=True)
    tables = {}
    for method, found in methods.items():
        pairs_of_masks = zip(found, keys["row"], strict=True)
        scores = pd.DataFrame(overlap_scores(mask, masks[row]) for mask, row in pairs_of_masks)
        tables[method] = pd.concat([keys, scores], axis="columns")
    return pd.concat(tables, names=["method"]).reset_index("method").reset_index(drop=True)


def best_median_worst(scores: pd.DataFrame, of_each: int = 2) -> pd.DataFrame:
    """The pairs with the best, median and worst Dice among those of one method, with `rank`."""
    ordered = scores.sort_values(["dice", "pair_id"], ascending=[False, True], ignore_index=True)
    middle = (len(ordered) - of_each) // 2
    places = {"best": 0, "median": max(middle, 0), "worst": max(len(ordered) - of_each, 0)}
    parts = [ordered.iloc[at : at + of_each].assign(rank=rank) for rank, at in places.items()]
    return pd.concat(parts).drop_duplicates("pair_id").reset_index(drop=True)
