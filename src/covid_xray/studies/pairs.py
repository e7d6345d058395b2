"""Pairs of radiograph and lung mask, to train a segmentation on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.absence import CannotMakeError
from covid_xray.evaluation.overlap import overlap_scores
from covid_xray.imaging.rejection import RejectionReason
from covid_xray.split import Split
from covid_xray.studies.groups import find_duplicate_groups
from covid_xray.studies.layout import RejectedFile
from covid_xray.studies.parameters import DuplicateParameters, ReadingParameters
from covid_xray.studies.pixels import IMAGES, PAIR_IMAGES
from covid_xray.studies.reading import StudyReading, read_study, rejected_table
from covid_xray.studies.splits import split_groups
from covid_xray.studies.study import RadiographyStudy
from covid_xray.studies.variants import STUDY_VARIANTS
from covid_xray.tables import Maybe, Number, Text, columns_of, table

logger = logging.getLogger(__name__)

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


class NoPairsError(CannotMakeError):
    """A study has no lung mask to learn from, and no second folder is named."""


class UnusablePairsError(ValueError):
    """The second folder has no lung mask to learn from."""


@dataclass(frozen=True)
class StudyRadiographs:
    """A study's radiographs, as what a second folder must not show of them is found by.

    Attributes:
        splits: table `SPLITS`.
        images: uint8 array (n, side, side).
        hashes: perceptual hash of each, uint64 (n,).
    """

    splits: pd.DataFrame
    images: Images
    hashes: NDArray[np.uint64]


@dataclass(frozen=True)
class LungPairs:
    """Radiographs with a lung mask each.

    Attributes:
        table: `LUNG_PAIRS`, without `split` for a second folder's; `row` counts in the study's
            `images` and `masks`, or in `pair_images` and `pair_masks`.
        images: uint8 array (n, side, side) of a second folder; empty for the study's own pairs.
        masks: 0/1 uint8 array of the same shape.
        rejected: files of the second folder that were left out.
    """

    table: pd.DataFrame
    images: Images
    masks: Images
    rejected: pd.DataFrame


def pairs_of_study(index: pd.DataFrame, splits: pd.DataFrame, side: int) -> LungPairs | None:
    """The study's own pairs, in the study's own splits; None if it has no lung mask.

    Args:
        index: the study's index.
        splits: table `SPLITS`, in the same order.
        side: height and width of its arrays, in pixels.
    """
    usable = index["has_mask"] & splits["kept"]
    if not usable.any():
        return None
    none = np.empty((0, side, side), np.uint8)
    table = _table(index, splits, IMAGES).assign(split=splits["split"].to_numpy())
    return LungPairs(
        table[usable.to_numpy()].reset_index(drop=True), none, none, rejected_table([])
    )


def pairs_of_folder(
    study: RadiographyStudy | None,
    reading: ReadingParameters,
    duplicates: DuplicateParameters,
    beside: StudyRadiographs,
) -> LungPairs:
    """Read the pairs of a second folder, and leave out those that show a held-out radiograph.

    Args:
        study: the folder, opened.
        reading: how its files become arrays.
        duplicates: the duplicate rule's parameters.
        beside: the study that the lungs are learnt for.

    Raises:
        NoPairsError: if there is no folder.
        UnusablePairsError: if there is not one usable mask in it.
    """
    if study is None:
        raise NoPairsError(
            "the study has no lung masks to learn from (--params segmentation_pairs=FOLDER names "
            "a folder of pairs: images/ and masks/ of the same names)."
        )
    read = read_study(study, reading)
    refused = [f"{file.file} as {file.reason}" for file in read.rejected.itertuples()]
    if not read.index["has_mask"].any():
        raise UnusablePairsError(
            f"Not one of the {len(read.index)} radiographs in {study.files.location} has a usable "
            "lung mask: masks/ must hold files of the same names, with two grey levels."
            + (f" {len(refused)} file(s) were rejected, {refused[0]}." if refused else "")
        )
    groups, held_out = _group_beside(read, duplicates, beside)
    usable = read.index["has_mask"] & ~groups["is_redundant"] & ~groups["group_id"].isin(held_out)
    table = _table(read.index, groups, PAIR_IMAGES)[usable.to_numpy()].reset_index(drop=True)
    shown = read.index[groups["group_id"].isin(held_out) & read.index["has_mask"]]
    left_out = [
        RejectedFile(
            file, label, "pair", RejectionReason.HELD_OUT_RADIOGRAPH,
            f"shows {held_out[group]}, which the study holds out",
        )
        for file, label, group in zip(
            shown["file"], shown["label"], groups.loc[shown.index, "group_id"], strict=True
        )
    ]  # fmt: skip
    if left_out:
        logger.info("%d pairs show radiographs that the study holds out: left out", len(left_out))
    rejected = pd.concat([read.rejected, rejected_table(left_out)], ignore_index=True)
    return LungPairs(table, read.images, read.masks, rejected)


def _group_beside(
    read: StudyReading, duplicates: DuplicateParameters, beside: StudyRadiographs
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Group pairs with the study's radiographs.

    Returns:
        Table `DUPLICATE_GROUPS` of the pairs; and the held-out radiograph of each group with one.
    """
    named = ["image_id", "label", "source"]
    ours = beside.splits[["image_id", "label"]].assign(source="")
    # Names of the folder may be those of the study, which are other radiographs.
    theirs = read.index[named].assign(image_id="pair " + read.index["image_id"])
    both = pd.concat([theirs, ours], ignore_index=True)
    hashes = np.concatenate([read.features["perceptual_hash"].to_numpy(), beside.hashes])
    # Views: a study's memory map is read only where candidates are.
    *_, groups = find_duplicate_groups(both, hashes, [*read.images, *beside.images], duplicates)
    n_pairs = len(read.index)
    of_study = groups.iloc[n_pairs:]
    held_out = (beside.splits["split"] != Split.TRAIN).to_numpy()
    found = of_study[held_out].drop_duplicates("group_id")
    return groups.iloc[:n_pairs], dict(zip(found["group_id"], found["image_id"], strict=True))


def _table(index: pd.DataFrame, groups: pd.DataFrame, array: str) -> pd.DataFrame:
    pairs = index[["image_id", "label"]].rename(columns={"image_id": "pair_id"})
    group_id = groups["group_id"].to_numpy()
    return pairs.assign(array=array, row=np.arange(len(index)), group_id=group_id)


def assign_pairs(
    pairs: pd.DataFrame, shares: Mapping[str, float], *, most: int | None, seed: int
) -> pd.DataFrame:
    """Assign pairs to training, validation and test, by duplicate group, in every class.

    Args:
        pairs: table of `LungPairs`; a study's own pairs keep their splits.
        shares: share of each split.
        most: pairs to use at most; all if None.
        seed: seed of the draw and of the split.

    Returns:
        Table `LUNG_PAIRS` of the pairs that are used, in their order.
    """
    if most is not None and len(pairs) > most:
        pairs = pairs.sample(most, random_state=seed).sort_index().reset_index(drop=True)
    if "split" in pairs:
        return pairs
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
