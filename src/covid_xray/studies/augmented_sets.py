"""Augmented images and row lists of Table 2's settings, and of the Laplacian sweep.

Settings with the same transformations share a set of augmented images; one that needs fewer of
them takes the first ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    AUGMENTATION_PLAN,
    AUTOENCODED_FROM,
    BALANCED_AUGMENTED,
    STUDY_VARIANTS,
    VARIANT_COLUMNS,
    list_variants,
    plan_augmentation,
)
from covid_xray.tables import Flag, Number, Text, Whole, columns_of, table

RUN_COLUMNS = ["run", *VARIANT_COLUMNS[1:]]
RUN_ROWS = table(
    "a radiograph or augmented image of a run",
    {"run": Text(description="name of the run"), **columns_of(STUDY_VARIANTS, *RUN_COLUMNS[1:])},
)
AUGMENTED_SETS = table(
    "an augmented image of a set that some settings share",
    {
        "set": Text(description="name of the set; `array` of row lists"),
        "n_layers": Whole(description="transformations of the set, as in `table_2`"),
        "factor": Number(description="their amplitude"),
        "masked": Flag(description="whether the set keeps nothing but the lungs"),
        "row": Whole(description="row of the set"),
        **columns_of(AUGMENTATION_PLAN, "image_id", "source_row", "seed"),
    },
)


def threshold_run(threshold: float) -> str:
    """Name of the run that is trained on what a Laplacian threshold leaves."""
    return f"laplacian_{threshold:g}"


@dataclass(frozen=True)
class SettingPlanner:
    """Plans what settings and thresholds train on.

    Attributes:
        splits: table `SPLITS`.
        features: the study's features, in the same order.
        lung_features: those of the lungs; `mask_area` is missing where there is no mask.
        splitting: shares, protocol and seed.
    """

    splits: pd.DataFrame
    features: pd.DataFrame
    lung_features: pd.DataFrame
    splitting: SplittingParameters

    def augmented_sets(
        self, settings: Sequence[AugmentationSetting], images_per_class: int
    ) -> pd.DataFrame:
        """List the augmented images that the settings need.

        Args:
            settings: the settings.
            images_per_class: size of every class under the largest setting.

        Returns:
            Table `AUGMENTED_SETS`.
        """
        plans = []
        for name, of in {setting.set: setting for setting in settings}.items():
            plan = plan_augmentation(self._splits_of(of), self.splitting, images_per_class)
            how = {"n_layers": of.n_layers, "factor": of.factor, "masked": of.masked}
            plans.append(plan.assign(set=name, **how)[list(AUGMENTED_SETS.columns)])
        # A set without augmented images would blur the columns' types.
        return pd.concat([plan for plan in plans if len(plan)] or plans[:1], ignore_index=True)

    def setting_rows(
        self, settings: Sequence[AugmentationSetting], augmented_sets: pd.DataFrame
    ) -> pd.DataFrame:
        """The radiographs of every setting's run.

        Args:
            settings: the settings.
            augmented_sets: table `AUGMENTED_SETS`.

        Returns:
            Table `RUN_ROWS`, where `array` is `images`, `masked_images` or the name of a set.
        """
        lists = [self._rows(of.run, of, BALANCED_AUGMENTED, augmented_sets) for of in settings]
        return pd.concat(lists, ignore_index=True)

    def threshold_rows(
        self,
        thresholds: Sequence[float],
        setting: AugmentationSetting,
        augmented_sets: pd.DataFrame,
    ) -> pd.DataFrame:
        """The radiographs that each threshold of the Laplacian variance leaves under a setting.

        Returns:
            Table `RUN_ROWS`, a run per threshold.
        """
        lists = [
            self._rows(threshold_run(lowest), setting, AUTOENCODED_FROM, augmented_sets, lowest)
            for lowest in thresholds
        ]
        return pd.concat(lists, ignore_index=True)

    def _splits_of(self, setting: AugmentationSetting) -> pd.DataFrame:
        """The splits, where a masked setting keeps only radiographs that have a lung mask."""
        usable = self.lung_features["mask_area"].notna() | (not setting.masked)
        return self.splits.assign(kept=self.splits["kept"] & usable)

    def _rows(
        self,
        run: str,
        setting: AugmentationSetting,
        variant: str,
        augmented_sets: pd.DataFrame,
        threshold: float = 0,
    ) -> pd.DataFrame:
        splits, size = self._splits_of(setting), setting.images_per_class
        plan = plan_augmentation(splits, self.splitting, size)
        variants = list_variants(
            splits,
            self.features,
            plan,
            self.splitting,
            images_per_class=size,
            min_laplacian_variance=threshold,
        )
        rows = variants[variants["variant"] == variant].assign(run=run)
        return _in_set(rows, augmented_sets, setting)


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
