"""Folds: no duplicate group crosses them, and each is tested on once."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.studies.folds import assign_folds, rows_of_fold

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
N_FOLDS = 5


def row_list(groups_per_class=20):
    """Groups of one to three originals, and two augmented images of every training original."""
    rng = np.random.default_rng(0)
    rows = []
    for label in CLASSES:
        for group in range(groups_per_class):
            split = ["train", "train", "train", "validation", "test"][group % 5]
            for _ in range(rng.integers(1, 4)):
                key = (label, f"{label}-{group}", split)
                rows.append(("images", *key))
                rows += [("augmented_images", *key)] * (2 if split == "train" else 0)
    table = pd.DataFrame(rows, columns=["array", "label", "group_id", "split"])
    table["row"] = table.groupby("array").cumcount()
    table["image_id"] = table["array"] + table["row"].astype("str")
    return table


ROWS = row_list()
FOLDS = assign_folds(ROWS, N_FOLDS, seed=3)


def test_folds_part_no_group_and_share_out_every_class():
    assert FOLDS["group_id"].is_unique
    assert set(FOLDS["group_id"]) == set(ROWS["group_id"])
    assert sorted(FOLDS["fold"].unique()) == list(range(N_FOLDS))
    originals = ROWS[ROWS["array"] == "images"].merge(FOLDS, on="group_id")
    shares = pd.crosstab(originals["label"], originals["fold"], normalize="index")
    assert shares.min().min() > 0.1 and shares.max().max() < 0.3


def test_the_seed_fixes_the_folds():
    assert FOLDS.equals(assign_folds(ROWS, N_FOLDS, seed=3))
    assert not FOLDS.equals(assign_folds(ROWS, N_FOLDS, seed=4))


def test_too_few_groups_for_the_folds_are_named():
    few = ROWS[(ROWS["label"] != "COVID") | ROWS["group_id"].isin(["COVID-0", "COVID-1"])]
    message = r"Class 'COVID' has 2 duplicate groups.* 5 folds .*cross_validation\.n_folds"
    with pytest.raises(ValueError, match=message):
        assign_folds(few, N_FOLDS, seed=3)


def test_every_original_is_tested_on_once():
    tested = []
    for fold in range(N_FOLDS):
        rows = rows_of_fold(ROWS, FOLDS, fold, seed=1)
        tested += rows.loc[rows["split"] == "test", "image_id"].tolist()
    assert sorted(tested) == sorted(ROWS.loc[ROWS["array"] == "images", "image_id"])


@pytest.mark.parametrize("fold", range(N_FOLDS))
def test_no_group_stands_on_two_sides_of_a_fold(fold):
    rows = rows_of_fold(ROWS, FOLDS, fold, seed=1)
    groups = rows.groupby("split")["group_id"].agg(set)
    assert not groups["train"] & (groups["test"] | groups["validation"])
    assert not groups["validation"] & groups["test"]
    fold_of = FOLDS.set_index("group_id")["fold"]
    assert set(fold_of[list(groups["test"])]) == {fold}
    assert set(fold_of[list(groups["validation"])]) == {(fold + 1) % N_FOLDS}


def test_augmented_images_are_trained_on_only_classes_alike():
    rows = rows_of_fold(ROWS, FOLDS, 0, seed=1)
    assert (rows.loc[rows["split"] != "train", "array"] == "images").all()
    training = rows[rows["split"] == "train"]
    assert set(training["array"]) == {"images", "augmented_images"}
    assert len(set(training["label"].value_counts())) == 1
    # Rows stay in the order of the list, which is that of the activations.
    original = ROWS.reset_index().merge(rows[["array", "row"]], on=["array", "row"])
    assert rows["image_id"].tolist() == original.sort_values("index")["image_id"].tolist()
