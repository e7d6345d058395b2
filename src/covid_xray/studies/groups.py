"""Duplicate groups: radiographs that must stay together, and the one of each that is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


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
