"""Folds of a cross-validation, which no duplicate group ever crosses (Report A, outlook)."""

from __future__ import annotations

import pandas as pd

from covid_xray.split import Split
from covid_xray.studies.variants import undersample


def assign_folds(rows: pd.DataFrame, n_folds: int, seed: int) -> pd.DataFrame:
    """Assign a variant's radiographs to folds by duplicate group, classes in equal shares.

    Args:
        rows: row list `array, label, group_id`; augmented images follow their sources.
        n_folds: number of folds.
        seed: seed of the draw.

    Returns:
        `group_id, fold`.

    Raises:
        ValueError: if a class has fewer groups than there are folds.
    """
    # Here, because scikit-learn takes seconds to load and every kedro command imports this file.
    from sklearn.model_selection import StratifiedGroupKFold

    originals = rows[rows["array"] == "images"]
    groups = originals.groupby("label")["group_id"].nunique()
    if groups.min() < n_folds:
        raise ValueError(
            f"Class '{groups.idxmin()}' has {groups.min()} duplicate groups, fewer than the "
            f"{n_folds} folds of the cross-validation (cross_validation.n_folds)."
        )
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    held_out = splitter.split(originals, originals["label"], originals["group_id"])
    assigned = [
        pd.DataFrame({"group_id": originals["group_id"].iloc[rows].unique(), "fold": fold})
        for fold, (_, rows) in enumerate(held_out)
    ]
    return pd.concat(assigned).sort_values("group_id", ignore_index=True)


def rows_of_fold(rows: pd.DataFrame, folds: pd.DataFrame, fold: int, seed: int) -> pd.DataFrame:
    """A variant's rows, split anew: one fold is tested on, and the next decides when to stop.

    Augmented images follow their sources and are only trained on; training classes are
    under-sampled to one size.

    Args:
        rows: row list with `array, label, group_id`.
        folds: what `assign_folds` returns.
        fold: number of the fold to test on.
        seed: seed of under-sampling.

    Returns:
        The rows that are used, with their new `split`.
    """
    fold_of_row = rows["group_id"].map(folds.set_index("group_id")["fold"])
    n_folds = folds["fold"].nunique()
    split = pd.Series(Split.TRAIN, index=rows.index, dtype="object")
    split[fold_of_row == fold] = Split.TEST
    split[fold_of_row == (fold + 1) % n_folds] = Split.VALIDATION
    rows = rows.assign(split=split)
    training = undersample(rows[rows["split"] == Split.TRAIN], None, seed)
    held_out = rows[(rows["split"] != Split.TRAIN) & (rows["array"] == "images")]
    return pd.concat([training, held_out]).sort_index().reset_index(drop=True)
