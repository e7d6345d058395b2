"""Training, validation and test shares that no group, of duplicates or a patient, crosses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.split import Protocol, Split
from covid_xray.studies.groups import DUPLICATE_GROUPS
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.tables import SPLIT, Flag, columns_of, table

SPLITS = table(
    "a radiograph of the index",
    {
        **columns_of(DUPLICATE_GROUPS, "image_id", "label", "group_id"),
        "kept": Flag(
            description="whether it is used: not redundant, or not left out by split_path"
        ),
        "split": SPLIT,
    },
)
_MAX_DRAWS = 50


class SplitError(ValueError):
    """A study that can't be split as asked; the message names the class."""


def split_groups(
    labels: pd.Series, groups: pd.Series, shares: Mapping[str, float], seed: int
) -> pd.Series:
    """Assign whole groups to splits, at random, with each class in the wanted shares.

    Larger groups are placed first, in a split drawn with the odds of what each still lacks. Single
    radiographs then fill every class up, to the unit wherever groups allow it.

    Args:
        labels: class per radiograph.
        groups: group per radiograph, on the same index; a group may hold several classes.
        shares: share of each split, adding up to 1.
        seed: seed of the draw.

    Returns:
        Split per radiograph, on the same index.

    Raises:
        SplitError: if a class has fewer groups than there are splits, or shares so many of them
            with other classes that not every class can be in every split.
    """
    members = pd.crosstab(groups, labels)
    _check_enough_groups(members, len(shares))
    rng = np.random.default_rng(seed)
    counts = members.to_numpy()
    # Only groups of several classes can leave a class out of a split; another draw may not.
    for _ in range(_MAX_DRAWS):
        assigned = _assign(counts, shares, rng)
        present = np.stack([counts[assigned == split].any(axis=0) for split in range(len(shares))])
        if present.all():
            names = np.array(list(shares))[assigned]
            split_of = pd.Series(names, index=members.index, dtype="object")
            return groups.map(split_of).rename("split")
    label = members.columns[np.flatnonzero(~present.all(axis=0))[0]]
    raise SplitError(
        f"Class '{label}' can't be in every split: it shares too many duplicate groups with other "
        "classes (label conflicts), or patients. Add radiographs of its own, or correct the "
        "conflicting labels."
    )


def _assign(
    counts: NDArray[np.int64], shares: Mapping[str, float], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Number of the split of each group, a row of members per class."""
    # Groups of several classes, then large ones: what is left to place last fits anywhere.
    shuffled = rng.permutation(len(counts))
    n_classes, sizes = (counts > 0).sum(axis=1), counts.sum(axis=1)
    order = shuffled[np.lexsort((-sizes[shuffled], -n_classes[shuffled]))]
    lacking = np.stack([_whole_targets(total, shares) for total in counts.sum(axis=0)])
    empty = np.ones_like(lacking, dtype=bool)
    groups_left = (counts > 0).sum(axis=0)
    assigned = np.empty(len(counts), np.int64)
    for row in order:
        own = np.flatnonzero(counts[row])
        # The last groups of a class go where it has none yet, whatever their size.
        starved = groups_left[own] <= empty[own].sum(axis=1)
        split = _draw(counts[row, own], lacking[own], empty[own][starved], rng)
        lacking[:, split] -= counts[row]
        empty[own, split] = False
        groups_left[own] -= 1
        assigned[row] = split
    return assigned


def _draw(
    counts: NDArray[np.int64],
    lacking: NDArray[np.int64],
    starved_of: NDArray[np.bool_],
    rng: np.random.Generator,
) -> int:
    """The split of a group of these counts, by what its classes lack and are starved of in each."""
    room = np.maximum(lacking.sum(axis=0), 0)
    fits = (lacking >= counts[:, None]).all(axis=0)
    if len(starved_of):
        wanted = starved_of.sum(axis=0)
        fits = wanted == wanted.max()
        room = np.maximum(room, 1)
    odds = np.where(fits, room, 0)
    if odds.sum() == 0:
        return int(np.argmax(lacking.sum(axis=0)))
    return int(np.searchsorted(np.cumsum(odds), rng.integers(odds.sum()), side="right"))


def _whole_targets(total: int, shares: Mapping[str, float]) -> NDArray[np.int64]:
    """Round shares of `total` to whole numbers that add up to it, each at least one."""
    exact = np.array(list(shares.values())) * total
    whole = np.maximum(np.floor(exact), 1).astype(np.int64)
    while whole.sum() != total:
        step = 1 if whole.sum() < total else -1
        gap = np.where(whole + step >= 1, (exact - whole) * step, -np.inf)
        whole[np.argmax(gap)] += step
    return np.asarray(whole)


def _check_enough_groups(members: pd.DataFrame, n_splits: int) -> None:
    for label, n_groups in (members > 0).sum().items():
        if n_groups < n_splits:
            raise SplitError(
                f"Class '{label}' has {n_groups} distinct radiograph(s) once duplicates, and those "
                f"of one patient, are grouped; {n_splits} are needed, one for each of training, "
                "validation and test."
            )


def split_radiographs(groups: pd.DataFrame, splitting: SplittingParameters) -> pd.DataFrame:
    """Split a study's radiographs, by group or, as Report A did, by image.

    Redundant duplicates are left out under either protocol, as in the report. Under `published`
    the two radiographs of a label conflict may be in two splits.

    Args:
        groups: table `DUPLICATE_GROUPS`.
        splitting: shares, protocol and seed.

    Returns:
        Table `SPLITS`, in the given order.

    Raises:
        SplitError: if a class has fewer groups than there are splits.
    """
    unit = "group_id" if splitting.protocol is Protocol.LEAK_FREE else "image_id"
    kept = groups[~groups["is_redundant"]]
    split = split_groups(kept["label"], kept[unit], splitting.shares, splitting.seed)
    # A redundant duplicate is used nowhere, but its split says on which side its group is.
    side = groups["group_id"].map(split.groupby(kept["group_id"]).first())
    splits = groups[["image_id", "label", "group_id"]].assign(kept=~groups["is_redundant"])
    return splits.assign(split=split.reindex(groups.index).fillna(side))


def kept_rows(splits: pd.DataFrame, split: Split | None = None) -> NDArray[np.intp]:
    """Row numbers of the radiographs that are used: of one split, or of all."""
    kept = splits["kept"] if split is None else splits["kept"] & (splits["split"] == split)
    return np.flatnonzero(kept)


def draw_examples(labels: pd.Series, per_class: int, seed: int) -> NDArray[np.intp]:
    """Row numbers of some radiographs of every class, drawn at random, class by class.

    Args:
        labels: class by row number; rows may be missing.
        per_class: radiographs wanted of each class, fewer where there are fewer.
        seed: seed of the draw.
    """
    shuffled = labels.sample(frac=1, random_state=seed)
    drawn = shuffled.groupby(shuffled).head(per_class)
    return drawn.sort_values(kind="stable").index.to_numpy(dtype=np.intp)
