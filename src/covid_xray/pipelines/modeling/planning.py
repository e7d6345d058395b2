"""Nodes that list the rows of every frozen classifier: Tables 2 to 4, and the Laplacian sweep."""

from __future__ import annotations

import numpy as np
import pandas as pd

from covid_xray.pipelines.modeling.grid import (
    AUGMENTED_SETS,
    CHOSEN_SET,
    CHOSEN_SETTING,
    MASKED_SET,
)
from covid_xray.pipelines.modeling.parameters import FrozenParameters
from covid_xray.studies.parameters import (
    AugmentationParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.variants import (
    AUTOENCODED_FROM,
    PLAN_COLUMNS,
    list_variants,
    plan_augmentation,
)

MASKS = "masks"  # what Table 3 calls its masked run
RUN_COLUMNS = ["run", "array", "row", "image_id", "label", "split"]


def plan_augmentation_settings(
    published_settings: pd.DataFrame,
    splits: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    lung_features: pd.DataFrame,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    sharpness: SharpnessParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """List the settings of Table 2 for this study, the children they need, and their rows.

    The report's 4,000 to 6,000 images per class become the same shares of
    `augmentation.images_per_class`.

    Returns:
        `setting, images_per_class, our_images_per_class, n_layers, factor, batch_size, run`
        (equal settings share a run); the children of every set, `set, row, image_id, source_row,
        seed`; and `run, array, row, image_id, label, split`, where `array` is `images`,
        `masked_images` or the name of a set.
    """
    settings = scale_settings(published_settings, augmentation.images_per_class)
    masked = splits.assign(kept=splits["kept"] & lung_features["mask_area"].notna())
    children = pd.concat(
        [
            _plan(
                masked if of_set.masked else splits, augmentation.images_per_class, splitting
            ).assign(set=name)
            for name, of_set in AUGMENTED_SETS.items()
        ],
        ignore_index=True,
    )
    runs = []
    for _, setting in settings[settings["setting"] == settings["run"]].iterrows():
        is_masked = setting["run"] == MASKS
        variants = _variants(
            masked if is_masked else splits,
            radiograph_features,
            int(setting["our_images_per_class"]),
            splitting,
            sharpness.min_laplacian_variance,
        )
        rows = variants[variants["variant"] == "balanced_augmented"].assign(run=setting["run"])
        name = MASKED_SET if is_masked else set_of(setting["n_layers"], setting["factor"])
        runs.append(_in_sets(rows, children, name))
    return settings, children[["set", *PLAN_COLUMNS]], pd.concat(runs, ignore_index=True)


def plan_laplacian_sweep(
    splits: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    augmentation_children: pd.DataFrame,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    frozen: FrozenParameters,
) -> pd.DataFrame:
    """List the rows that each Laplacian threshold leaves (Report A, threshold 50 to 30).

    Returns:
        `run, array, row, image_id, label, split`; the run is the threshold.
    """
    runs = []
    for threshold in frozen.laplacian_thresholds:
        variants = _variants(
            splits, radiograph_features, augmentation.images_per_class, splitting, threshold
        )
        rows = variants[variants["variant"] == AUTOENCODED_FROM].assign(run=f"{threshold:g}")
        runs.append(_in_sets(rows, augmentation_children, CHOSEN_SET))
    return pd.concat(runs, ignore_index=True)


def plan_preprocessing_variants(
    study_variants: pd.DataFrame, masked_variant: pd.DataFrame
) -> pd.DataFrame:
    """List the rows of Table 4's variants, the masked one under the chosen masks.

    Returns:
        `run, array, row, image_id, label, split`; the run is the variant.
    """
    unmasked = study_variants[study_variants["variant"] != "masked"]
    rows = pd.concat([unmasked, masked_variant], ignore_index=True)
    return rows.assign(run=rows["variant"])[RUN_COLUMNS]


def scale_settings(published_settings: pd.DataFrame, images_per_class: int) -> pd.DataFrame:
    """Table 2's settings with the study's own sizes, and the masked run of the chosen setting."""
    settings = published_settings.astype({"setting": "str"})
    chosen = settings[settings["setting"] == str(CHOSEN_SETTING)]
    settings = pd.concat([settings, chosen.assign(setting=MASKS)], ignore_index=True)
    share = settings["images_per_class"] / settings["images_per_class"].max()
    axes = ["images_per_class", "n_layers", "factor", "batch_size"]
    # Table 2 lists the chosen setting once per axis: equal settings are trained once.
    is_masked = settings["setting"] == MASKS
    first = settings.groupby([*axes, is_masked], sort=False)["setting"].transform("first")
    return settings.assign(
        our_images_per_class=np.rint(share * images_per_class).astype(int), run=first
    )


def set_of(n_layers: int, factor: float) -> str:
    """Name of the augmented set that a setting takes its children from.

    Raises:
        KeyError: if no set has these transformations.
    """
    for name, of_set in AUGMENTED_SETS.items():
        if (of_set.n_layers, of_set.factor, of_set.masked) == (n_layers, factor, False):
            return name
    raise KeyError(
        f"Table 2 asks for {n_layers} transformations of amplitude {factor}, and no set of "
        "AUGMENTED_SETS has them."
    )


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
    min_laplacian_variance: float,
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


def _in_sets(rows: pd.DataFrame, children: pd.DataFrame, name: str) -> pd.DataFrame:
    """Point a run's children at a set, where a child keeps its name whatever the set's size."""
    row_of_child = children[children["set"] == name].set_index("image_id")["row"]
    is_child = rows["array"] == "augmented_images"
    rows = rows.assign(array=np.where(is_child, name, "images"))
    rows.loc[is_child, "row"] = row_of_child.reindex(rows.loc[is_child, "image_id"]).to_numpy()
    if AUGMENTED_SETS[name].masked:
        rows.loc[~is_child, "array"] = "masked_images"
    return rows.astype({"row": "int64"})[RUN_COLUMNS]
