"""Augmented images and row lists of Table 2's settings, and of the Laplacian sweep.

Settings with the same transformations share a set of augmented images; one that needs fewer of
them takes the first ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from covid_xray.studies.augmentation_settings import AugmentationSetting
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.pixels import (
    AUGMENTED_IMAGES,
    IMAGES,
    MASKED_IMAGES,
    AugmentedImages,
    Images,
    MaskedImages,
    PixelArrays,
)
from covid_xray.studies.variants import (
    AUTOENCODED_FROM,
    BALANCED_AUGMENTED,
    STUDY_VARIANTS,
    VARIANT_COLUMNS,
    list_variants,
    plan_augmentation,
)
from covid_xray.tables import Flag, Number, Text, Whole, table

RUN_COLUMNS = ["run", *VARIANT_COLUMNS[1:]]
RUN_ROWS = table(
    "a radiograph or augmented image of a run",
    {
        "run": Text(description="name of the run"),
        **{name: STUDY_VARIANTS.columns[name] for name in RUN_COLUMNS[1:]},
    },
)
AUGMENTED_SETS = table(
    "an augmented image of a set that some settings share",
    {
        "set": Text(description="name of the set; `array` of row lists"),
        "n_layers": Whole(description="transformations of the set, as in `table_2`"),
        "factor": Number(description="their amplitude"),
        "masked": Flag(description="whether the set keeps nothing but the lungs"),
        "row": Whole(description="row of the set"),
        "image_id": Text(description="its source image's name, and its number among those of it"),
        "source_row": Whole(description="row of its source image in `images`"),
        "seed": Whole(description="seed of its transformation"),
    },
)
SET_COLUMNS = list(AUGMENTED_SETS.columns)


def threshold_run(threshold: float) -> str:
    """Name of the run that is trained on what a Laplacian threshold leaves."""
    return f"laplacian_{threshold:g}"


def plan_augmented_sets(
    settings: Sequence[AugmentationSetting],
    splits: pd.DataFrame,
    lung_features: pd.DataFrame,
    images_per_class: int,
    splitting: SplittingParameters,
) -> pd.DataFrame:
    """List the augmented images that the settings need.

    Args:
        settings: the settings.
        splits: table `SPLITS`.
        lung_features: features of the lungs, in the same order; `mask_area` is missing where
            there is no mask.
        images_per_class: size of every class under the largest setting.
        splitting: shares, protocol and seed.

    Returns:
        Table `AUGMENTED_SETS`.
    """
    sets = {setting.set: setting for setting in settings}
    plans = [
        _plan(
            masked_splits(splits, lung_features) if of.masked else splits,
            images_per_class,
            splitting,
        ).assign(set=name, n_layers=of.n_layers, factor=of.factor, masked=of.masked)
        for name, of in sets.items()
    ]
    # A set without augmented images would blur the columns' types.
    return pd.concat([p for p in plans if len(p)] or plans[:1], ignore_index=True)[SET_COLUMNS]


def list_setting_rows(
    settings: Sequence[AugmentationSetting],
    splits: pd.DataFrame,
    features: pd.DataFrame,
    lung_features: pd.DataFrame,
    augmented_sets: pd.DataFrame,
    splitting: SplittingParameters,
) -> pd.DataFrame:
    """The radiographs of every setting's run.

    Args:
        settings: the settings.
        splits: table `SPLITS`.
        features: the study's features, in the same order.
        lung_features: those of the lungs.
        augmented_sets: table `AUGMENTED_SETS`.
        splitting: shares, protocol and seed.

    Returns:
        Table `RUN_ROWS`, where `array` is `images`, `masked_images` or the name of a set.
    """
    lists = []
    for of in settings:
        own = masked_splits(splits, lung_features) if of.masked else splits
        variants = _variants(own, features, of.images_per_class, splitting)
        rows = variants[variants["variant"] == BALANCED_AUGMENTED].assign(run=of.run)
        lists.append(_in_set(rows, augmented_sets, of))
    return pd.concat(lists, ignore_index=True)


def list_threshold_rows(
    thresholds: Sequence[float],
    setting: AugmentationSetting,
    splits: pd.DataFrame,
    features: pd.DataFrame,
    augmented_sets: pd.DataFrame,
    splitting: SplittingParameters,
) -> pd.DataFrame:
    """The radiographs that each threshold of the Laplacian variance leaves under a setting.

    Returns:
        Table `RUN_ROWS`, a run per threshold.
    """
    lists = []
    for threshold in thresholds:
        variants = _variants(splits, features, setting.images_per_class, splitting, threshold)
        rows = variants[variants["variant"] == AUTOENCODED_FROM]
        lists.append(_in_set(rows.assign(run=threshold_run(threshold)), augmented_sets, setting))
    return pd.concat(lists, ignore_index=True)


def setting_arrays(images: Images, lung_masks: Images, augmented_sets: pd.DataFrame) -> PixelArrays:
    """The pixels that the row lists of settings and thresholds point into.

    Args:
        images: uint8 array (n, side, side).
        lung_masks: 0/1 uint8 array of the same shape.
        augmented_sets: table `AUGMENTED_SETS`.
    """
    made = {
        str(name): AugmentedImages(
            images,
            lung_masks,
            plan.sort_values("row"),
            n_layers=int(plan["n_layers"].iloc[0]),
            factor=float(plan["factor"].iloc[0]),
            masked=bool(plan["masked"].iloc[0]),
        )
        for name, plan in augmented_sets.groupby("set")
    }
    return {IMAGES: images, MASKED_IMAGES: MaskedImages(images, lung_masks), **made}


def masked_splits(splits: pd.DataFrame, lung_features: pd.DataFrame) -> pd.DataFrame:
    """The splits with nothing kept but radiographs that have a lung mask."""
    return splits.assign(kept=splits["kept"] & lung_features["mask_area"].notna())


def _plan(
    splits: pd.DataFrame, images_per_class: int, splitting: SplittingParameters
) -> pd.DataFrame:
    return plan_augmentation(
        splits,
        images_per_class=images_per_class,
        shares=splitting.shares,
        protocol=splitting.protocol,
        seed=splitting.seed,
    )


def _variants(
    splits: pd.DataFrame,
    features: pd.DataFrame,
    images_per_class: int,
    splitting: SplittingParameters,
    min_laplacian_variance: float = 0,
) -> pd.DataFrame:
    return list_variants(
        splits,
        features,
        _plan(splits, images_per_class, splitting),
        images_per_class=images_per_class,
        min_laplacian_variance=min_laplacian_variance,
        shares=splitting.shares,
        protocol=splitting.protocol,
        seed=splitting.seed,
    )


def _in_set(
    rows: pd.DataFrame, augmented_sets: pd.DataFrame, setting: AugmentationSetting
) -> pd.DataFrame:
    """Point augmented images at a setting's set: they keep their names whatever its size."""
    row_of = augmented_sets[augmented_sets["set"] == setting.set].set_index("image_id")["row"]
    augmented = rows["array"] == AUGMENTED_IMAGES
    original = MASKED_IMAGES if setting.masked else IMAGES
    rows = rows.assign(array=np.where(augmented, setting.set, original))
    rows.loc[augmented, "row"] = row_of.reindex(rows.loc[augmented, "image_id"]).to_numpy()
    return rows.astype({"row": "int64"})[RUN_COLUMNS]
