"""Row lists over the study's arrays: which radiographs each variant of Table 4 trains on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from covid_xray.split import Protocol, Split
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.pixels import AUGMENTED_IMAGES, AUTOENCODED_IMAGES, IMAGES, MASKED_IMAGES
from covid_xray.studies.splits import SPLITS
from covid_xray.tables import ARRAY, ROW, Text, Whole, columns_of, table

BALANCED = "balanced"
BALANCED_AUGMENTED = "balanced_augmented"
AUTOENCODED_FROM = "balanced_augmented_laplacian"
AUTOENCODED = f"{AUTOENCODED_FROM}_autoencoded"
MASKED = "masked"
VARIANTS = (BALANCED, BALANCED_AUGMENTED, AUTOENCODED_FROM, AUTOENCODED, MASKED)
AUGMENTATION_PLAN = table(
    "an augmented image; row i describes row i of `augmented_images`",
    {
        "row": Whole(description="row of `augmented_images`"),
        "image_id": Text(description="its source image's name, and its number among those of it"),
        "source_row": Whole(description="row of its source image in `images`"),
        **columns_of(SPLITS, "label", "group_id", "split"),
        "seed": Whole(description="seed of its transformation"),
    },
)
STUDY_VARIANTS = table(
    "a radiograph or augmented image of a variant",
    {
        "variant": Text(description="name of the variant (docs/decisions.md)"),
        "array": ARRAY,
        "row": ROW,
        **columns_of(SPLITS, "image_id", "label", "group_id", "split"),
    },
)
# Whole types where a class needs no augmented image.
_TEXTS, _NUMBERS = ("image_id", "label", "group_id", "split"), ("source_row", "seed")
_PLAN_TYPES = dict.fromkeys(_TEXTS, "str") | dict.fromkeys(_NUMBERS, "int64")
PLAN_COLUMNS = list(AUGMENTATION_PLAN.columns)
VARIANT_COLUMNS = list(STUDY_VARIANTS.columns)


def plan_augmentation(
    splits: pd.DataFrame, splitting: SplittingParameters, images_per_class: int
) -> pd.DataFrame:
    """List the augmented images that bring every class up to `images_per_class`.

    Under `leak_free` only training rows are source images, and classes reach the training share
    of `images_per_class`. Under `published` any row is one, and augmented images are assigned to
    splits at random, apart from their source images: Report A's leak (Difficultés, point 3).

    Args:
        splits: table `SPLITS`.
        splitting: shares, protocol, and seed of every transformation.
        images_per_class: size of every class of the balanced set (Report A's Table 2).

    Returns:
        Table `AUGMENTATION_PLAN`.
    """
    sources = splits[splits["kept"]]
    if splitting.protocol is Protocol.LEAK_FREE:
        sources = sources[sources["split"] == Split.TRAIN]
        images_per_class = round(images_per_class * splitting.train)
    if sources.empty:
        return pd.DataFrame(columns=PLAN_COLUMNS).astype(_PLAN_TYPES | {"row": "int64"})
    augmented = [
        _augment_class(of_class, images_per_class - len(of_class), splitting.seed)
        for _, of_class in sources.groupby("label", sort=True)
    ]
    plan = pd.concat(augmented, ignore_index=True)
    if splitting.protocol is Protocol.PUBLISHED:
        plan["split"] = _assign(plan["label"], splitting.shares, splitting.seed)
    return plan.assign(row=np.arange(len(plan)))[PLAN_COLUMNS]


def _augment_class(sources: pd.DataFrame, n_augmented: int, seed: int) -> pd.DataFrame:
    """Augmented images of one class: as many of each source image as of any, give or take one."""
    order = np.random.default_rng([seed, _number(str(sources["label"].iloc[0]))])
    shuffled = order.permutation(len(sources))
    turns = np.arange(max(n_augmented, 0))
    chosen = sources.iloc[shuffled[turns % len(sources)]]
    named = list(zip(chosen["image_id"], (turns // len(sources) + 1).tolist(), strict=True))
    augmented = chosen.assign(
        image_id=[f"{source}_augmented_{number}" for source, number in named],
        source_row=chosen.index,
        seed=[_seed_of(seed, source, number) for source, number in named],
    )
    return augmented.astype(_PLAN_TYPES)


def _seed_of(seed: int, source: str, number: int) -> int:
    # Depends on this image alone: another radiograph in the study changes no augmented image.
    sequence = np.random.SeedSequence([seed, _number(source), number])
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def _number(text: str) -> int:
    return zlib.crc32(text.encode())


def _assign(labels: pd.Series, shares: Mapping[str, float], seed: int) -> pd.Series:
    """Assign rows to splits in the given shares, class by class, at random."""
    assigned = pd.Series(index=labels.index, dtype="str")
    bounds = np.cumsum(list(shares.values()))[:-1]
    for label, rows in labels.groupby(labels):
        shuffled = np.random.default_rng([seed, _number(str(label)), 1]).permutation(len(rows))
        place = (shuffled + 0.5) / len(rows)
        assigned.loc[rows.index] = np.array(list(shares))[np.searchsorted(bounds, place)]
    return assigned


def list_variants(
    splits: pd.DataFrame,
    features: pd.DataFrame,
    plan: pd.DataFrame,
    splitting: SplittingParameters,
    *,
    images_per_class: int,
    min_laplacian_variance: float,
) -> pd.DataFrame:
    """The rows of every variant of Report A's Table 4, all scored on the same held-out images.

    `balanced` under-samples to the smallest class, `balanced_augmented` ("V2V2 équilibré") adds
    augmented images, `…_laplacian` drops blurred radiographs and what was made of them,
    `…_autoencoded` has the same rows through the convolutional autoencoder, and `masked` is
    `balanced` among radiographs with a lung mask. Under `leak_free` the held-out rows are all
    kept radiographs of their split; under `published` they are balanced and augmented too.

    Args:
        splits: table `SPLITS`.
        features: table `RADIOGRAPH_FEATURES`, in the same order.
        plan: table `AUGMENTATION_PLAN`.
        splitting: shares, protocol, and seed of under-sampling.
        images_per_class: size of every class of the balanced set.
        min_laplacian_variance: lowest Laplacian variance of `…_laplacian`; the report's is 30.

    Returns:
        Table `STUDY_VARIANTS`, ordered by variant, array and row.
    """
    originals, everything = _candidates(splits, features, plan, min_laplacian_variance)
    is_leak_free, seed = splitting.protocol is Protocol.LEAK_FREE, splitting.seed
    if is_leak_free:
        images_per_class = round(images_per_class * splitting.train)
    pools = {
        BALANCED: (originals, None),
        BALANCED_AUGMENTED: (everything, images_per_class),
        AUTOENCODED_FROM: (everything[everything["sharp"]], images_per_class),
        MASKED: (originals[originals["has_mask"]].assign(array=MASKED_IMAGES), None),
    }
    lists = []
    for variant, (pool, size) in pools.items():
        if is_leak_free:
            held_out = pool if variant == MASKED else originals
            training = undersample(pool[pool["split"] == Split.TRAIN], size, seed)
            rows = pd.concat([training, held_out[held_out["split"] != Split.TRAIN]])
        else:
            rows = undersample(pool, size, seed)
        rows = rows.sort_values(["array", "row"], ascending=[False, True])
        lists.append(rows.assign(variant=variant))
        if variant == AUTOENCODED_FROM:
            # `autoencoded_images` holds the same radiographs in this order.
            own = rows.assign(variant=AUTOENCODED, array=AUTOENCODED_IMAGES)
            lists.append(own.assign(row=np.arange(len(rows))))
    return pd.concat(lists, ignore_index=True)[VARIANT_COLUMNS]


def _candidates(
    splits: pd.DataFrame,
    features: pd.DataFrame,
    plan: pd.DataFrame,
    min_laplacian_variance: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Kept radiographs, and these with the augmented images, each `sharp` or not."""
    originals = splits[splits["kept"]].assign(array=IMAGES)
    originals["row"] = originals.index
    # `loc`, because an empty table would take over the index of what is assigned to it.
    kept = features.loc[originals.index]
    originals["sharp"] = kept["laplacian_variance"] >= min_laplacian_variance
    originals["has_mask"] = kept["mask_area"].notna()
    augmented = plan.assign(array=AUGMENTED_IMAGES)
    augmented["sharp"] = originals["sharp"].reindex(plan["source_row"]).to_numpy(dtype=bool)
    return originals, pd.concat([originals, augmented], ignore_index=True)


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
    drawn = []
    for label, rows in pool.groupby("label", sort=True):
        shuffled = np.random.default_rng([seed, _number(str(label))]).permutation(len(rows))
        drawn.append(rows.iloc[np.sort(shuffled[:wanted])])
    return pd.concat(drawn)


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
