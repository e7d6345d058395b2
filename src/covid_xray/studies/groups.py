"""Groups: radiographs that must stay together, and the one of its duplicates that is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from covid_xray.imaging.similarity import find_similar_pairs
from covid_xray.studies.matching import name_key
from covid_xray.studies.parameters import DuplicateParameters
from covid_xray.tables import GROUP_ID, IMAGE_ID, LABEL, Flag, Number, Text, Whole, table

DUPLICATE_PAIRS = table(
    "two radiographs that show the same picture",
    {
        "image_id_1": Text(description="the first of the two, in the index's order"),
        "image_id_2": Text(description="the second"),
        "label_1": Text(description="class of the first"),
        "label_2": Text(description="class of the second"),
        "source_1": Text(description="source of the first"),
        "source_2": Text(description="source of the second"),
        "hash_distance": Whole(description="distance of their perceptual hashes, bits"),
        "ssim": Number(description="structural similarity, -1 to 1"),
    },
)
DUPLICATE_GROUPS = table(
    "a radiograph of the index",
    {
        "image_id": IMAGE_ID,
        "label": LABEL,
        "group_id": GROUP_ID,
        "group_size": Whole(description="radiographs of its group"),
        "is_redundant": Flag(
            description="true for all but the first of its duplicates of its class"
        ),
        "has_label_conflict": Flag(description="whether its picture has another label elsewhere"),
    },
)


def name_pairs(pairs: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Replace the row numbers of similar pairs by image ids, classes and sources.

    Args:
        pairs: `first, second` (row numbers of `index`), `hash_distance`, `ssim`.
        index: the study's index.

    Returns:
        Table `DUPLICATE_PAIRS`.
    """
    columns = {}
    for name in ("image_id", "label", "source"):
        for number, row in (("1", "first"), ("2", "second")):
            rows = pairs[row].to_numpy(dtype=np.intp)
            columns[f"{name}_{number}"] = pd.Series(index[name].to_numpy()[rows], dtype="str")
    measured = pairs[["hash_distance", "ssim"]].reset_index(drop=True)
    return pd.concat([pd.DataFrame(columns), measured], axis="columns")


def find_duplicate_groups(
    index: pd.DataFrame,
    hashes: NDArray[np.uint64],
    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    duplicates: DuplicateParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Find a study's duplicates by Report A's rule.

    Args:
        index: the study's index.
        hashes: perceptual hash of each radiograph, (n,).
        images: uint8 arrays (side, side), n of them.
        duplicates: the rule's parameters.

    Returns:
        Pairs within a class, and pairs across classes (label conflicts), tables
        `DUPLICATE_PAIRS`; and the groups they form, table `DUPLICATE_GROUPS`.
    """
    similar = find_similar_pairs(
        images,
        hashes,
        side=duplicates.ssim_side,
        min_ssim=duplicates.min_ssim,
        max_hash_distance=duplicates.max_hash_distance,
    )
    pairs = name_pairs(similar, index)
    within = pairs["label_1"] == pairs["label_2"]
    parts = [pairs[which].reset_index(drop=True) for which in (within, ~within)]
    return parts[0], parts[1], group_duplicates(index, *parts)


def group_duplicates(
    index: pd.DataFrame, duplicate_pairs: pd.DataFrame, label_conflicts: pd.DataFrame
) -> pd.DataFrame:
    """Join every radiograph with its duplicates and its patient's others, across classes too.

    A group is a connected component: if A duplicates B, and C is of B's patient, the three are one
    group. Only duplicates within a class are redundant. Radiographs of one picture under two
    labels, and different ones of a patient, are grouped, so that they share a split, and are kept.

    Args:
        index: the study's index; `patient_id` may be missing, for some radiographs or all.
        duplicate_pairs: `image_id_1, image_id_2` of one class.
        label_conflicts: `image_id_1, image_id_2` of two classes.

    Returns:
        Table `DUPLICATE_GROUPS`, in the index's order.
    """
    groups = index[["image_id", "label"]].reset_index(drop=True)
    ids = groups["image_id"]
    together = pd.concat([duplicate_pairs, label_conflicts, _pairs_of_patients(index)])
    grouped = ids.groupby(_components(ids, together))
    return groups.assign(
        group_id=grouped.transform("first"),
        group_size=grouped.transform("size"),
        is_redundant=pd.Series(_components(ids, duplicate_pairs)).duplicated(),
        has_label_conflict=ids.isin(label_conflicts.filter(like="image_id").to_numpy().ravel()),
    )


def _pairs_of_patients(index: pd.DataFrame) -> pd.DataFrame:
    """Every radiograph of a known patient beside the patient's first."""
    ids = index["image_id"]
    patient = index.get("patient_id", pd.Series(index=index.index, dtype="str")).dropna()
    first = ids.loc[patient.index].groupby(patient.map(name_key)).transform("first")
    return pd.DataFrame({"image_id_1": first, "image_id_2": ids.loc[patient.index]})


def _components(ids: pd.Series, pairs: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    row_of = pd.Series(np.arange(len(ids)), index=ids.to_numpy())
    ends = [row_of.loc[pairs[name].to_numpy()].to_numpy() for name in ("image_id_1", "image_id_2")]
    links = coo_array((np.ones(len(pairs), bool), tuple(ends)), shape=(len(ids), len(ids)))
    _, component = connected_components(links, directed=False)
    return component  # type: ignore[no-any-return]


def spread_pairs(pairs: pd.DataFrame, most: int) -> pd.DataFrame:
    """Some pairs, from the least to the most similar, evenly spread over those of the table."""
    spread = np.linspace(0, len(pairs) - 1, min(most, len(pairs))).round().astype(int)
    return pairs.sort_values(["ssim", "image_id_1"]).iloc[spread].reset_index(drop=True)
