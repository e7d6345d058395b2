"""Row lists over the study's arrays: which radiographs each variant of Table 4 trains on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.split import Protocol, Split

AUTOENCODED_FROM = "balanced_augmented_laplacian"
AUTOENCODED = f"{AUTOENCODED_FROM}_autoencoded"
VARIANTS = ("balanced", "balanced_augmented", AUTOENCODED_FROM, AUTOENCODED, "masked")
PLAN_COLUMNS = ["row", "image_id", "parent_row", "label", "group_id", "split", "seed"]
VARIANT_COLUMNS = ["variant", "array", "row", "image_id", "label", "group_id", "split"]


def plan_augmentation(
    splits: pd.DataFrame,
    *,
    images_per_class: int,
    shares: Mapping[str, float],
    protocol: Protocol,
    seed: int,
) -> pd.DataFrame:
    """List the augmented radiographs that bring every class up to `images_per_class`.

    Under `leak_free` only training rows have children, up to the training share of
    `images_per_class`, so that the training set has the published size. Under `published` any
    row has children, and these are dealt to the splits at random, apart from their parents:
    that is Report A's leak (section Difficultés, point 3).

    Args:
        splits: table of `split_radiographs`.
        images_per_class: size of every class of the balanced set (Report A's Table 2).
        shares: share of each split.
        protocol: `leak_free` or `published`.
        seed: seed of every child's transformation.

    Returns:
        One row per child: `row` (in `augmented_images`), `image_id`, `parent_row` (in
        `images`), `label, group_id, split, seed`.
    """
    eligible = splits[splits["kept"]]
    target = images_per_class
    if protocol is Protocol.LEAK_FREE:
        eligible = eligible[eligible["split"] == Split.TRAIN]
        target = round(images_per_class * shares[Split.TRAIN])
    if eligible.empty:
        return _no_children()
    children = [
        _children(parents, target - len(parents), seed)
        for _, parents in eligible.groupby("label", sort=True)
    ]
    plan = pd.concat(children, ignore_index=True)
    if protocol is Protocol.PUBLISHED:
        plan["split"] = _dealt(plan["label"], shares, seed)
    return plan.assign(row=np.arange(len(plan)))[PLAN_COLUMNS]


def _no_children() -> pd.DataFrame:
    numbers = dict.fromkeys(("row", "parent_row", "seed"), "int64")
    return pd.DataFrame(columns=PLAN_COLUMNS, dtype="str").astype(numbers)


def _children(parents: pd.DataFrame, n_children: int, seed: int) -> pd.DataFrame:
    """Children of one class; every parent has as many as any other, give or take one."""
    order = np.random.default_rng([seed, _number(str(parents["label"].iloc[0]))])
    shuffled = order.permutation(len(parents))
    turns = np.arange(max(n_children, 0))
    chosen = parents.iloc[shuffled[turns % len(parents)]]
    generation = turns // len(parents) + 1
    ids = chosen["image_id"].to_numpy()
    return pd.DataFrame(
        {
            "image_id": [f"{name}_augmented_{k}" for name, k in zip(ids, generation, strict=True)],
            "parent_row": chosen.index.to_numpy(),
            "label": chosen["label"].to_numpy(),
            "group_id": chosen["group_id"].to_numpy(),
            "split": chosen["split"].to_numpy(),
            "seed": [
                _child_seed(seed, name, int(k)) for name, k in zip(ids, generation, strict=True)
            ],
        }
    ).astype({"seed": "int64", "parent_row": "int64"})


def _child_seed(seed: int, image_id: str, generation: int) -> int:
    # Depends on the child alone, so that adding a radiograph changes no other one's children.
    sequence = np.random.SeedSequence([seed, _number(image_id), generation])
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def _number(text: str) -> int:
    return zlib.crc32(text.encode())


def _dealt(labels: pd.Series, shares: Mapping[str, float], seed: int) -> pd.Series:
    """Deal rows to splits in the given shares, class by class, at random."""
    dealt = pd.Series(index=labels.index, dtype="object")
    bounds = np.cumsum(list(shares.values()))[:-1]
    for label, rows in labels.groupby(labels):
        shuffled = np.random.default_rng([seed, _number(str(label)), 1]).permutation(len(rows))
        place = (shuffled + 0.5) / len(rows)
        dealt.loc[rows.index] = np.array(list(shares))[np.searchsorted(bounds, place)]
    return dealt


def list_variants(
    splits: pd.DataFrame,
    features: pd.DataFrame,
    plan: pd.DataFrame,
    *,
    images_per_class: int,
    min_laplacian_variance: float,
    shares: Mapping[str, float],
    protocol: Protocol,
    seed: int,
) -> pd.DataFrame:
    """The rows of every variant of Report A's Table 4, all scored on the same held-out images.

    `balanced` under-samples to the smallest class, `balanced_augmented` ("V2V2 équilibré") adds
    the planned children, `…_laplacian` drops rows whose radiograph is blurred,
    `…_autoencoded` has the same rows as they come out of the convolutional autoencoder, held-out
    ones too, and `masked` is `balanced` among radiographs with a lung mask (its pixels are those
    of `images` times the mask).
    Under `leak_free` every variant's validation and test rows are all the kept originals of
    those splits, as they came (for `masked`, those that have a mask). Under `published` they
    are balanced and augmented too.

    Args:
        splits: table of `split_radiographs`.
        features: the study's features, in the same order.
        plan: table of `plan_augmentation`.
        images_per_class: size of every class of the balanced set.
        min_laplacian_variance: lowest Laplacian variance of `…_laplacian`; the report's is 30.
        shares: share of each split.
        protocol: `leak_free` or `published`.
        seed: seed of under-sampling.

    Returns:
        `variant, array` (`images`, `augmented_images`, `autoencoded_images` or `masked_images`),
        `row, image_id, label, group_id, split`, ordered by variant, array and row.
    """
    originals = splits[splits["kept"]].assign(array="images")
    originals["row"] = originals.index
    # `loc`, because an empty table would take over the index of what is assigned to it.
    kept = features.loc[originals.index]
    originals["sharp"] = kept["laplacian_variance"] >= min_laplacian_variance
    originals["has_mask"] = kept["mask_area"].notna()
    children = plan.assign(array="augmented_images")
    children["sharp"] = originals["sharp"].reindex(plan["parent_row"]).to_numpy(dtype=bool)
    everything = pd.concat([originals, children], ignore_index=True)
    pools = {
        "balanced": (originals, None),
        "balanced_augmented": (everything, images_per_class),
        AUTOENCODED_FROM: (everything[everything["sharp"]], images_per_class),
        "masked": (originals[originals["has_mask"]].assign(array="masked_images"), None),
    }
    lists = []
    for variant, (pool, size) in pools.items():
        if protocol is Protocol.LEAK_FREE:
            training = pool[pool["split"] == Split.TRAIN]
            target = None if size is None else round(size * shares[Split.TRAIN])
            candidates = originals if variant != "masked" else pool
            held_out = candidates[candidates["split"] != Split.TRAIN]
            rows = pd.concat([undersample(training, target, seed), held_out])
        else:
            rows = undersample(pool, size, seed)
        lists.append(
            rows.assign(variant=variant).sort_values(["array", "row"], ascending=[False, True])
        )
        if variant == AUTOENCODED_FROM:
            lists.append(_autoencoded(lists[-1]))
    return pd.concat(lists, ignore_index=True)[VARIANT_COLUMNS]


def _autoencoded(rows: pd.DataFrame) -> pd.DataFrame:
    """The same radiographs in `autoencoded_images`, which holds them in this order."""
    return rows.assign(variant=AUTOENCODED, array="autoencoded_images", row=np.arange(len(rows)))


def undersample(pool: pd.DataFrame, size: int | None, seed: int) -> pd.DataFrame:
    """The same number of rows from each class: `size`, or what the smallest class has.

    Args:
        pool: rows with `label`.
        size: rows wanted of each class; None for as many as the smallest class has.
        seed: seed of the draw.
    """
    if pool.empty:
        return pool
    smallest = int(pool["label"].value_counts().min())
    wanted = smallest if size is None else min(size, smallest)
    return pd.concat(
        [
            rows.iloc[_sample(len(rows), wanted, [seed, _number(str(label))])]
            for label, rows in pool.groupby("label", sort=True)
        ]
    )


def _sample(n_rows: int, wanted: int, seed: list[int]) -> NDArray[np.intp]:
    return np.sort(np.random.default_rng(seed).permutation(n_rows)[:wanted])


def select_variant(study_variants: pd.DataFrame, variant: str) -> pd.DataFrame:
    """The row list of one variant, renumbered from 0.

    Raises:
        ValueError: if a class of the study has no training row in the variant, for instance in
            `masked` without masks.
    """
    rows = study_variants[study_variants["variant"] == variant].reset_index(drop=True)
    trained = rows.loc[rows["split"] == Split.TRAIN, "label"]
    lacking = sorted(set(study_variants["label"]) - set(trained))
    if lacking:
        raise ValueError(
            f"Variant '{variant}' has no training row of {', '.join(lacking)} in study_variants. "
            "`masked` needs lung masks; `…_laplacian` needs radiographs at or above "
            "sharpness.min_laplacian_variance."
        )
    return rows
