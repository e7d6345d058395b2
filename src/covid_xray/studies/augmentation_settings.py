"""Report A's Table 2 for a study of another size: its settings, augmented images and row lists.

Settings with the same transformations share a set of augmented images; one that needs fewer of
them takes the first ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.pixels import AugmentedImages, Images, MaskedImages, PixelArrays
from covid_xray.studies.variants import (
    AUTOENCODED_FROM,
    VARIANT_COLUMNS,
    list_variants,
    plan_augmentation,
)

MASKS = "masks"
"""What Table 3 calls the setting whose radiographs keep nothing but their lungs."""
CHOSEN = "3"
"""The setting that the report kept; the masked one and the Laplacian sweep use it."""
RUN_COLUMNS = ["run", *VARIANT_COLUMNS[1:]]
SET_COLUMNS = ["set", "n_layers", "factor", "masked", "row", "image_id", "parent_row", "seed"]


@dataclass(frozen=True)
class AugmentationSetting:
    """A setting of Table 2 that is trained.

    Attributes:
        setting: its number, or `masks`.
        images_per_class: size of every class, scaled to this study.
        n_layers: transformations applied: zoom, + rotation, + contrast, + brightness.
        factor: amplitude of each, as Keras understands it.
        batch_size: batch size of its training.
    """

    setting: str
    images_per_class: int
    n_layers: int
    factor: float
    batch_size: int

    @property
    def run(self) -> str:
        """Name of its run."""
        return MASKS if self.masked else f"setting_{self.setting}"

    @property
    def masked(self) -> bool:
        """Whether radiographs and augmented images keep nothing but their lungs."""
        return self.setting == MASKS

    @property
    def set(self) -> str:
        """Name of the set that its augmented images are taken from."""
        return f"{self.n_layers}_layers_{self.factor:g}{'_masked' if self.masked else ''}"

    def facts(self) -> dict[str, str | int | float]:
        """What it sets, apart from the batch size of its training."""
        facts = asdict(self)
        del facts["batch_size"]
        return facts


def threshold_run(threshold: float) -> str:
    """Name of the run that is trained on what a Laplacian threshold leaves."""
    return f"laplacian_{threshold:g}"


def scale_settings(published_settings: pd.DataFrame, images_per_class: int) -> pd.DataFrame:
    """Table 2's settings with the study's own sizes, and the masked one.

    The report's 4,000 to 6,000 images per class become the same shares of `images_per_class`.

    Returns:
        `setting, images_per_class, n_layers, factor, batch_size, our_images_per_class, run`;
        equal settings share the `run` of the first.
    """
    settings = published_settings.astype({"setting": "str"})
    chosen = settings[settings["setting"] == CHOSEN]
    settings = pd.concat([settings, chosen.assign(setting=MASKS)], ignore_index=True)
    share = settings["images_per_class"] / settings["images_per_class"].max()
    axes = ["images_per_class", "n_layers", "factor", "batch_size"]
    # Table 2 lists the chosen setting once per axis.
    is_masked = settings["setting"] == MASKS
    first = settings.groupby([*axes, is_masked], sort=False)["setting"].transform("first")
    return settings.assign(
        our_images_per_class=np.rint(share * images_per_class).astype(int), run=first
    )


def distinct_settings(table_2: pd.DataFrame) -> list[AugmentationSetting]:
    """The settings of `scale_settings` that have a run of their own."""
    own = table_2[table_2["setting"] == table_2["run"]]
    return [
        AugmentationSetting(
            setting=str(row["setting"]),
            images_per_class=int(row["our_images_per_class"]),
            n_layers=int(row["n_layers"]),
            factor=float(row["factor"]),
            batch_size=int(row["batch_size"]),
        )
        for row in own.to_dict("records")
    ]


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
        splits: table of `split_radiographs`.
        lung_features: features of the lungs, in the same order; `mask_area` is missing where
            there is no mask.
        images_per_class: size of every class under the largest setting.
        splitting: shares, protocol and seed.

    Returns:
        `set, n_layers, factor, masked`, the same throughout a set; `row` in the set, `image_id,
        parent_row` (its source image in `images`) and `seed`.
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
        splits: table of `split_radiographs`.
        features: the study's features, in the same order.
        lung_features: those of the lungs.
        augmented_sets: table of `plan_augmented_sets`.
        splitting: shares, protocol and seed.

    Returns:
        `run, array, row, image_id, label, group_id, split`, where `array` is `images`,
        `masked_images` or the name of a set.
    """
    lists = []
    for of in settings:
        own = masked_splits(splits, lung_features) if of.masked else splits
        variants = _variants(own, features, of.images_per_class, splitting)
        rows = variants[variants["variant"] == "balanced_augmented"].assign(run=of.run)
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
        What `list_setting_rows` returns, a run per threshold.
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
        augmented_sets: table of `plan_augmented_sets`.
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
    return {"images": images, "masked_images": MaskedImages(images, lung_masks), **made}


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
    augmented = rows["array"] == "augmented_images"
    original = "masked_images" if setting.masked else "images"
    rows = rows.assign(array=np.where(augmented, setting.set, original))
    rows.loc[augmented, "row"] = row_of.reindex(rows.loc[augmented, "image_id"]).to_numpy()
    return rows.astype({"row": "int64"})[RUN_COLUMNS]
