"""Duplicate groups: radiographs that must stay together, and the one of each that is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from covid_xray.imaging.similarity import find_similar_pairs


def name_pairs(pairs: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Replace the row numbers of similar pairs by image ids, classes and sources.

    Args:
        pairs: `first, second` (row numbers of `index`), `hash_distance`, `ssim`.
        index: the study's index.

    Returns:
        `image_id_1, image_id_2, label_1, label_2, source_1, source_2, hash_distance, ssim`.
    """
    columns = {}
    for name in ("image_id", "label", "source"):
        values = index[name].to_numpy()
        columns[f"{name}_1"] = values[pairs["first"].to_numpy(dtype=np.intp)]
        columns[f"{name}_2"] = values[pairs["second"].to_numpy(dtype=np.intp)]
    measured = pairs[["hash_distance", "ssim"]].reset_index(drop=True)
    return pd.concat([pd.DataFrame(columns), measured], axis="columns")


def find_duplicate_groups(
    index: pd.DataFrame,
    hashes: NDArray[np.uint64],
    images: NDArray[np.uint8],
    *,
    ssim_side: int,
    min_ssim: float,
    max_hash_distance: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Find a study's duplicates by Report A's rule.

    Args:
        index: the study's index.
        hashes: perceptual hash of each radiograph, (n,).
        images: uint8 array (n, side, side).
        ssim_side: side at which SSIM is computed, in pixels.
        min_ssim: lowest SSIM of a duplicate pair.
        max_hash_distance: largest distance of two hashes, in bits.

    Returns:
        Pairs within a class, pairs across classes (label conflicts), and the groups they form.
    """
    similar = find_similar_pairs(
        images, hashes, side=ssim_side, min_ssim=min_ssim, max_hash_distance=max_hash_distance
    )
    pairs = name_pairs(similar, index)
    within = pairs["label_1"] == pairs["label_2"]
    duplicates = pairs[within].reset_index(drop=True)
    conflicts = pairs[~within].reset_index(drop=True)
    return duplicates, conflicts, group_duplicates(index, duplicates, conflicts)


def group_duplicates(
    index: pd.DataFrame, duplicate_pairs: pd.DataFrame, label_conflicts: pd.DataFrame
) -> pd.DataFrame:
    """Join every radiograph with its duplicates, within its class and across classes.

    A group is a connected component of the pairs: if A duplicates B and B duplicates C, the
    three are one group. Only duplicates within a class are redundant; radiographs of one
    picture under two labels are grouped, so that they never face each other across a split, but
    both are kept, because nothing says which label is right.

    Args:
        index: the study's index.
        duplicate_pairs: `image_id_1, image_id_2` of one class.
        label_conflicts: `image_id_1, image_id_2` of two classes.

    Returns:
        One row per radiograph, in the index's order: `image_id, label, group_id` (the image_id
        of the group's first member), `group_size`, `is_redundant` (true for all but the first
        of its class in a group), `has_label_conflict`.
    """
    ids = index["image_id"].reset_index(drop=True)
    everything = pd.concat([duplicate_pairs, label_conflicts], ignore_index=True)
    group = _components(ids, everything)
    same_class = _components(ids, duplicate_pairs)
    first = ids.groupby(group).transform("first")
    conflicting = pd.unique(label_conflicts[["image_id_1", "image_id_2"]].to_numpy().ravel())
    return pd.DataFrame(
        {
            "image_id": ids,
            "label": index["label"].to_numpy(),
            "group_id": first,
            "group_size": ids.groupby(group).transform("size"),
            "is_redundant": pd.Series(same_class).duplicated(),
            "has_label_conflict": ids.isin(conflicting),
        }
    )


def _components(ids: pd.Series, pairs: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    row_of = pd.Series(np.arange(len(ids)), index=ids.to_numpy())
    ends = [row_of.loc[pairs[name].to_numpy()].to_numpy() for name in ("image_id_1", "image_id_2")]
    links = coo_array((np.ones(len(pairs), bool), tuple(ends)), shape=(len(ids), len(ids)))
    _, component = connected_components(links, directed=False)
    return component  # type: ignore[no-any-return]
