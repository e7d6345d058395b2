"""Folds: no duplicate group crosses them, each is tested on once, and each is prepared anew."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.studies.folds import assign_folds, plan_folds
from covid_xray.studies.parameters import (
    AugmentationParameters,
    SharpnessParameters,
    SplittingParameters,
)

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
N_FOLDS = 5
SPLITTING = SplittingParameters(protocol="published", train=0.7, validation=0.15, test=0.15, seed=3)
AUGMENTATION = AugmentationParameters(images_per_class=90, n_layers=3, factor=0.1)
SHARPNESS = SharpnessParameters(thresholds=[30], min_laplacian_variance=30)


def study(groups_per_class=20):
    """Groups of one or two radiographs; the second of a group is redundant in every third."""
    rows = []
    for label in CLASSES:
        for group in range(groups_per_class):
            split = ["train", "train", "train", "validation", "test"][group % 5]
            for member in range(1 + group % 2):
                kept = not (member and group % 3 == 0)
                rows.append((f"{label}-{group}-{member}", label, f"{label}-{group}", kept, split))
    splits = pd.DataFrame(rows, columns=["image_id", "label", "group_id", "kept", "split"])
    sharp = np.random.default_rng(1).uniform(0, 200, len(splits))
    features = splits[["image_id", "label"]].assign(laplacian_variance=sharp, mask_area=np.nan)
    return splits, features


SPLITS, FEATURES = study()
KEPT = SPLITS[SPLITS["kept"]]
FOLDS = assign_folds(SPLITS, N_FOLDS, seed=3)


def planned(variant="balanced_augmented", splits=SPLITS, folds=FOLDS):
    return plan_folds(splits, FEATURES, folds, variant, SPLITTING, AUGMENTATION, SHARPNESS)


ROWS, AUGMENTED = planned()


def test_folds_part_no_group_and_share_out_every_class():
    assert FOLDS["group_id"].is_unique
    assert set(FOLDS["group_id"]) == set(KEPT["group_id"])
    assert sorted(FOLDS["fold"].unique()) == list(range(N_FOLDS))
    shares = pd.crosstab(*KEPT.merge(FOLDS, on="group_id")[["label", "fold"]].T.to_numpy())
    assert (shares.div(shares.sum(axis=1), axis=0)).min().min() > 0.1


def test_the_seed_fixes_the_folds():
    assert FOLDS.equals(assign_folds(SPLITS, N_FOLDS, seed=3))
    assert not FOLDS.equals(assign_folds(SPLITS, N_FOLDS, seed=4))


def test_redundant_duplicates_change_no_fold():
    assert FOLDS.equals(assign_folds(KEPT, N_FOLDS, seed=3))


def test_too_few_groups_for_the_folds_are_named():
    few = SPLITS[(SPLITS["label"] != "COVID") | SPLITS["group_id"].isin(["COVID-0", "COVID-1"])]
    message = r"Class 'COVID' has 2 duplicate groups.* 5 folds .*cross_validation\.n_folds"
    with pytest.raises(ValueError, match=message):
        assign_folds(few, N_FOLDS, seed=3)


def test_every_radiograph_is_tested_on_once():
    tested = ROWS.loc[ROWS["split"] == "test", "image_id"]
    assert sorted(tested) == sorted(KEPT["image_id"])


@pytest.mark.parametrize("fold", range(N_FOLDS))
def test_no_group_stands_on_two_sides_of_a_fold(fold):
    rows = ROWS[ROWS["run"] == f"fold_{fold}"]
    groups = rows.groupby("split")["group_id"].agg(set)
    assert not groups["train"] & (groups["test"] | groups["validation"])
    assert not groups["validation"] & groups["test"]
    fold_of = FOLDS.set_index("group_id")["fold"]
    assert set(fold_of[list(groups["test"])]) == {fold}
    assert set(fold_of[list(groups["validation"])]) == {(fold + 1) % N_FOLDS}


@pytest.mark.parametrize("fold", range(N_FOLDS))
def test_every_fold_is_augmented_and_balanced_within_its_training_rows(fold):
    """Also of radiographs that the study's own split holds out, and of none that the fold does."""
    rows = ROWS[ROWS["run"] == f"fold_{fold}"]
    training = rows[rows["split"] == "train"]
    assert (rows.loc[rows["split"] != "train", "array"] == "images").all()
    # Three fifths of 90 in every class.
    assert training["label"].value_counts().to_dict() == dict.fromkeys(CLASSES, 54)
    augmented = training[training["array"] == "augmented_images"]
    sources = AUGMENTED.set_index("row")["source_row"].loc[augmented["row"]].to_numpy()
    originals = training[training["array"] == "images"]
    assert set(sources) == set(originals["row"])
    assert {"validation", "test"} <= set(SPLITS["split"].to_numpy()[sources])


def test_an_augmented_image_is_the_same_in_every_fold():
    augmented = ROWS[ROWS["array"] == "augmented_images"]
    named = AUGMENTED.set_index("row")["image_id"].loc[augmented["row"]]
    assert named.tolist() == augmented["image_id"].tolist()
    assert augmented.groupby("image_id")["row"].nunique().max() == 1
    assert AUGMENTED["row"].tolist() == list(range(len(AUGMENTED)))


def test_other_labels_of_the_tested_fold_change_no_training_row():
    """Neither its augmented images nor what balancing leaves out."""
    first = FOLDS.loc[FOLDS["fold"] == 0, "group_id"]
    changed = SPLITS["label"].mask(SPLITS["group_id"].isin(first), "COVID")
    rows, _ = planned(splits=SPLITS.assign(label=changed))
    keys = ["image_id", "label", "split"]
    before, after = (
        table[(table["run"] == "fold_0") & (table["split"] == "train")][keys].reset_index(drop=True)
        for table in (ROWS, rows)
    )
    pd.testing.assert_frame_equal(before, after)


def test_blurred_radiographs_are_left_out_where_the_variant_says_so():
    rows, _ = planned("balanced_augmented_laplacian")
    originals = rows[(rows["split"] == "train") & (rows["array"] == "images")]
    assert (FEATURES["laplacian_variance"].to_numpy()[originals["row"]] >= 30).all()


@pytest.mark.parametrize("variant", ["masked", "balanced_augmented_laplacian_autoencoded"])
def test_what_was_fitted_to_the_studys_split_can_be_in_no_fold(variant):
    with pytest.raises(ValueError, match=f"variant is '{variant}'.* takes balanced, "):
        planned(variant)
