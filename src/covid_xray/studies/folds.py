"""Folds of a cross-validation, which no duplicate group ever crosses (Report A, outlook)."""

from __future__ import annotations

import pandas as pd

from covid_xray.split import Protocol, Split
from covid_xray.studies.augmented_sets import AUGMENTED_SETS, RUN_COLUMNS
from covid_xray.studies.parameters import (
    AugmentationParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.pixels import AUGMENTED_IMAGES
from covid_xray.studies.variants import (
    AUTOENCODED_FROM,
    BALANCED,
    BALANCED_AUGMENTED,
    list_variants,
    plan_augmentation,
)

# Variants whose radiographs do not depend on what was fitted to the study's own split.
FOLD_VARIANTS = (BALANCED, BALANCED_AUGMENTED, AUTOENCODED_FROM)


def assign_folds(splits: pd.DataFrame, n_folds: int, seed: int) -> pd.DataFrame:
    """Assign a study's radiographs to folds by duplicate group, classes in equal shares.

    Args:
        splits: table `SPLITS`; radiographs that are not kept are left out.
        n_folds: number of folds.
        seed: seed of the draw.

    Returns:
        `group_id, fold`.

    Raises:
        ValueError: if a class has fewer groups than there are folds.
    """
    # Here, because scikit-learn takes seconds to load and every kedro command imports this file.
    from sklearn.model_selection import StratifiedGroupKFold

    kept = splits[splits["kept"]]
    groups = kept.groupby("label")["group_id"].nunique()
    if groups.min() < n_folds:
        raise ValueError(
            f"Class '{groups.idxmin()}' has {groups.min()} duplicate groups, fewer than the "
            f"{n_folds} folds of the cross-validation (cross_validation.n_folds)."
        )
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    held_out = splitter.split(kept, kept["label"], kept["group_id"])
    assigned = [
        pd.DataFrame({"group_id": kept["group_id"].iloc[rows].unique(), "fold": fold})
        for fold, (_, rows) in enumerate(held_out)
    ]
    return pd.concat(assigned).sort_values("group_id", ignore_index=True)


def plan_folds(
    splits: pd.DataFrame,
    features: pd.DataFrame,
    folds: pd.DataFrame,
    variant: str,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    sharpness: SharpnessParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a variant in every fold, balanced and augmented anew within its training rows.

    One fold is tested on, the next decides when to stop, and the others train (Report A's outlook:
    "réapplication du preprocessing"). A radiograph has the same augmented images in every fold.

    Args:
        splits: table `SPLITS`.
        features: table `RADIOGRAPH_FEATURES`, in the same order.
        folds: what `assign_folds` returns.
        variant: one of `FOLD_VARIANTS`.
        splitting: seed of augmentation and under-sampling.
        augmentation: size of every class of the balanced set, and how images are augmented.
        sharpness: lowest Laplacian variance, for the variant that has one.

    Returns:
        Table `RUN_ROWS`, a run `fold_<fold>` each; and table `AUGMENTED_SETS`, one set.

    Raises:
        ValueError: for a variant that stands on what was fitted to the study's own split.
    """
    if variant not in FOLD_VARIANTS:
        raise ValueError(
            f"modeling.transfer.variant is '{variant}', which folds can't make anew within their "
            f"training rows: cross_validation takes {', '.join(FOLD_VARIANTS)}."
        )
    n_folds = folds["fold"].nunique()
    held_out = {"validation": 1 / n_folds, "test": 1 / n_folds}
    anew = {"protocol": Protocol.LEAK_FREE, "train": 1 - 2 / n_folds, **held_out}
    splitting = splitting.model_copy(update=anew)
    size = augmentation.images_per_class
    lists, plans = [], []
    for fold in range(n_folds):
        of_fold = _splits_of_fold(splits, folds, fold)
        plan = plan_augmentation(of_fold, splitting, size)
        rows = list_variants(
            of_fold,
            features,
            plan,
            splitting,
            images_per_class=size,
            min_laplacian_variance=sharpness.min_laplacian_variance,
        )
        lists.append(rows[rows["variant"] == variant].assign(run=f"fold_{fold}"))
        plans.append(plan)
    every = pd.concat(plans).drop_duplicates("image_id").sort_values("image_id", ignore_index=True)
    how = {"n_layers": augmentation.n_layers, "factor": augmentation.factor, "masked": False}
    augmented = every.assign(set=AUGMENTED_IMAGES, row=every.index, **how)
    return _in_one_set(pd.concat(lists, ignore_index=True), augmented), augmented[
        list(AUGMENTED_SETS.columns)
    ]


def _splits_of_fold(splits: pd.DataFrame, folds: pd.DataFrame, fold: int) -> pd.DataFrame:
    """The study's splits, if one fold were tested on and the next decided when to stop."""
    fold_of_row = splits["group_id"].map(folds.set_index("group_id")["fold"])
    following = (fold + 1) % folds["fold"].nunique()
    split = pd.Series(str(Split.TRAIN), index=splits.index)
    split[fold_of_row == fold] = str(Split.TEST)
    split[fold_of_row == following] = str(Split.VALIDATION)
    return splits.assign(split=split)


def _in_one_set(rows: pd.DataFrame, augmented: pd.DataFrame) -> pd.DataFrame:
    """Point the augmented images of every fold at the set of all."""
    is_augmented = rows["array"] == AUGMENTED_IMAGES
    row_of = augmented.set_index("image_id")["row"]
    rows.loc[is_augmented, "row"] = row_of.reindex(rows.loc[is_augmented, "image_id"]).to_numpy()
    return rows.astype({"row": "int64"})[RUN_COLUMNS]
