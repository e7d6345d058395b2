"""Tables 2 and 3 and the Laplacian sweep: which radiographs every run is given."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_xray.split import Split
from covid_xray.studies.augmentation_settings import MASKS, distinct_settings, scale_settings
from covid_xray.studies.augmented_sets import (
    RUN_COLUMNS,
    SettingPlanner,
)
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.splits import split_radiographs
from support.project import ROOT

TABLE_2 = pd.read_csv(ROOT / "data/01_raw/published/table_2_augmentation_settings.csv")
SIZES = {"COVID": 30, "Lung_Opacity": 45, "Normal": 60, "Viral Pneumonia": 24}
IMAGES_PER_CLASS = 60
THRESHOLDS = [50, 45, 30, 0]


@cache
def planned(protocol="leak_free", mask_share=0.6):
    """A study with duplicates, planned in full; `mask_area` holds where there is a mask."""
    rng = np.random.default_rng(4)
    ids = [f"{label}-{k}" for label, size in SIZES.items() for k in range(size)]
    groups = pd.DataFrame({"image_id": ids, "label": [name.rsplit("-", 1)[0] for name in ids]})
    groups["group_id"] = groups["image_id"].replace({f"{name}-1": f"{name}-0" for name in SIZES})
    groups["is_redundant"] = groups.duplicated(["label", "group_id"])
    splitting = SplittingParameters(
        protocol=protocol, train=0.7, validation=0.15, test=0.15, seed=3
    )
    splits = split_radiographs(groups, splitting)
    masked = rng.random(len(ids)) < mask_share
    lungs = pd.DataFrame({"mask_area": np.where(masked, 0.2, np.nan)})
    features = lungs.assign(laplacian_variance=rng.uniform(20, 80, len(ids)))
    return plan(splits, features, lungs, splitting)


def plan(splits, features, lungs, splitting):
    settings = distinct_settings(scale_settings(TABLE_2, IMAGES_PER_CLASS))
    planner = SettingPlanner(splits, features, lungs, splitting)
    sets = planner.augmented_sets(settings, IMAGES_PER_CLASS)
    (chosen,) = (of for of in settings if of.setting == "3")
    return SimpleNamespace(
        settings={of.run: of for of in settings},
        sets=sets,
        rows=planner.setting_rows(settings, sets),
        sweep=planner.threshold_rows(THRESHOLDS, chosen, sets),
        splits=splits,
        features=features,
        lungs=lungs,
        splitting=splitting,
    )


@pytest.fixture(scope="module", params=["leak_free", "published"])
def study(request):
    return planned(request.param)


@pytest.fixture(scope="module")
def leak_free():
    return planned("leak_free")


def of(rows, run):
    return rows[rows["run"] == run]


def training(rows):
    return rows[rows["split"] == Split.TRAIN]


def held_out(rows):
    return rows[rows["split"] != Split.TRAIN].reset_index(drop=True)


def sources_of(study, rows):
    """Row in `images` of every row's radiograph, or of its source image."""
    source = study.sets.set_index(["set", "row"])["source_row"]
    is_original = rows["array"].isin(["images", "masked_images"])
    originals = rows.loc[is_original, "row"]
    augmented = rows[~is_original].set_index(["array", "row"]).index
    return np.concatenate([originals, source.loc[augmented]])


def test_equal_settings_share_a_run_and_masks_stands_apart():
    settings = scale_settings(TABLE_2, 6000)
    assert settings["setting"].tolist() == [*map(str, range(1, 13)), MASKS]
    runs = dict(zip(settings["setting"], settings["run"], strict=True))
    shared = dict.fromkeys(["3", "5", "7", "11"], "3")
    assert runs == {name: name for name in settings["setting"]} | shared
    assert settings["run"].nunique() == 10
    chosen, masked = (settings.set_index("setting").loc[name] for name in ("3", MASKS))
    assert chosen.drop("run").equals(masked.drop("run"))


@pytest.mark.parametrize(
    ("ours", "expected"), [(6000, [4000, 5000, 6000]), (60, [40, 50, 60]), (16, [11, 13, 16])]
)
def test_sizes_keep_their_share_of_the_largest(ours, expected):
    settings = scale_settings(TABLE_2, ours).set_index("setting")
    assert settings.loc[["1", "2", "3"], "our_images_per_class"].tolist() == expected
    assert settings.loc[["1", "2", "3"], "images_per_class"].tolist() == [4000, 5000, 6000]
    assert (settings["our_images_per_class"].iloc[3:] == ours).all()


def test_every_run_takes_its_augmented_images_from_its_set(study):
    assert study.rows.columns.tolist() == RUN_COLUMNS
    assert study.rows["run"].unique().tolist() == list(study.settings)
    chosen = [f"setting_{number}" for number in (1, 2, 3, 10, 12)]
    expected = {
        **dict.fromkeys(chosen, "3_layers_0.1"),
        "setting_4": "2_layers_0.1",
        "setting_6": "4_layers_0.1",
        "setting_8": "3_layers_0.2",
        "setting_9": "3_layers_0.3",
    }
    for run, name in expected.items():
        assert set(of(study.rows, run)["array"]) == {"images", name}
        how = study.sets.loc[study.sets["set"] == name, ["n_layers", "factor", "masked"]]
        setting = study.settings[run]
        assert (how == (setting.n_layers, setting.factor, False)).all(axis=None)
    assert set(of(study.rows, MASKS)["array"]) == {"masked_images", "3_layers_0.1_masked"}


def test_every_row_points_at_the_radiograph_that_it_names(study):
    for rows in (study.rows, study.sweep):
        for array, pointing in rows.groupby("array"):
            table = study.splits
            if array not in ("images", "masked_images"):
                table = study.sets[study.sets["set"] == array].set_index("row")
            named = table.loc[pointing["row"]]
            for column in {"image_id", "label"} & {*named}:
                assert named[column].tolist() == pointing[column].tolist()


def test_classes_are_balanced_at_the_settings_size(study):
    leak_free = study.splitting.protocol == "leak_free"
    for run, setting in study.settings.items():
        rows, size = of(study.rows, run), setting.images_per_class
        # Leak-free, only training rows are brought to their share; published, all together.
        if leak_free:
            rows, size = training(rows), round(size * 0.7)
        assert rows["label"].value_counts().to_dict() == dict.fromkeys(SIZES, size)


def test_a_smaller_setting_takes_the_first_of_a_larger_ones(study):
    name = "3_layers_0.1"
    planned_rows = study.sets.loc[study.sets["set"] == name, "row"]
    for run, larger in ((1, 2), (2, 3)):
        few, many = (of(study.rows, f"setting_{number}") for number in (run, larger))
        few, many = (rows[rows["array"] == name] for rows in (few, many))
        assert set(few["row"]) < set(many["row"])
        for label, of_label in many.groupby("label"):
            taken = few.loc[few["label"] == label, "row"]
            assert sorted(taken) == sorted(of_label["row"])[: len(taken)]
    assert set(many["row"]) == set(planned_rows)


def test_leak_free_runs_are_scored_on_the_same_radiographs(leak_free):
    kept = leak_free.splits[leak_free.splits["kept"]]
    kept = kept[kept["split"] != Split.TRAIN].rename_axis("row").reset_index()
    columns = ["row", "image_id", "label", "split"]
    for rows in (leak_free.rows[leak_free.rows["run"] != MASKS], leak_free.sweep):
        for run in rows["run"].unique():
            scored = held_out(of(rows, run))
            assert (scored["array"] == "images").all()
            pd.testing.assert_frame_equal(scored[columns], kept[columns], check_dtype=False)


def test_leak_free_no_source_image_is_held_out(leak_free):
    sources = leak_free.splits.loc[leak_free.sets["source_row"]]
    assert set(sources["split"]) == {Split.TRAIN}
    assert sources["kept"].all()
    for rows in (leak_free.rows, leak_free.sweep):
        is_augmented = ~rows["array"].isin(["images", "masked_images"])
        assert is_augmented.any()
        assert set(rows.loc[is_augmented, "split"]) == {Split.TRAIN}


def test_the_masked_run_takes_only_radiographs_with_a_mask(study):
    rows = of(study.rows, MASKS)
    has_mask = study.lungs["mask_area"].notna()
    assert has_mask[sources_of(study, rows)].all()
    assert not has_mask[sources_of(study, of(study.rows, "setting_3"))].all()
    if study.splitting.protocol == "leak_free":
        kept = study.splits["kept"] & has_mask & (study.splits["split"] != Split.TRAIN)
        assert held_out(rows)["row"].tolist() == np.flatnonzero(kept).tolist()


@pytest.mark.parametrize("protocol", ["leak_free", "published"])
def test_without_masks_the_other_runs_are_as_they_were(protocol):
    some, none = planned(protocol), planned(protocol, mask_share=0)
    assert MASKS in none.settings
    assert of(none.rows, MASKS).empty
    assert not none.sets["masked"].any()
    assert none.sets["set"].nunique() == some.sets["set"].nunique() - 1
    assert none.sets.dtypes.equals(some.sets.dtypes)
    unmasked = some.rows[some.rows["run"] != MASKS].reset_index(drop=True)
    pd.testing.assert_frame_equal(none.rows, unmasked, check_dtype=False)
    pd.testing.assert_frame_equal(none.sweep, some.sweep, check_dtype=False)


def test_masks_of_held_out_radiographs_alone_train_nothing(leak_free):
    is_test = leak_free.splits["split"] == Split.TEST
    lungs = pd.DataFrame({"mask_area": np.where(is_test, 0.2, np.nan)})
    features = leak_free.features.assign(mask_area=lungs["mask_area"])
    few = plan(leak_free.splits, features, lungs, leak_free.splitting)
    assert training(of(few.rows, MASKS)).empty
    assert not few.sets["masked"].any()
    assert not training(of(few.rows, "setting_3")).empty


def test_a_threshold_keeps_the_sharp_balanced(leak_free):
    """Against the pool that a reader would count: sharp radiographs and those made of them."""
    splits, sets = leak_free.splits, leak_free.sets
    sources = sets.loc[sets["set"] == "3_layers_0.1", "source_row"]
    variances = leak_free.features["laplacian_variance"].to_numpy(copy=True)
    # A radiograph exactly at the threshold is sharp enough. It is of the scarcest class, of which
    # every sharp one is taken.
    trained = splits["kept"] & (splits["split"] == Split.TRAIN)
    scarce = trained & (splits["label"] == "COVID")
    at_threshold, *blurred = np.flatnonzero(scarce)[:17]
    variances[at_threshold], variances[blurred] = 50, 49.999
    features = leak_free.features.assign(laplacian_variance=variances)
    sweep = plan(splits, features, leak_free.lungs, leak_free.splitting).sweep
    assert sweep["run"].unique().tolist() == [f"laplacian_{t}" for t in THRESHOLDS]
    for threshold in THRESHOLDS:
        rows = training(of(sweep, f"laplacian_{threshold}"))
        assert (variances[sources_of(leak_free, rows)] >= threshold).all()
        sharp = splits[trained & (variances >= threshold)]["label"].value_counts()
        of_sharp = splits["label"][sources[variances[sources] >= threshold]]
        sharp = sharp.add(of_sharp.value_counts(), fill_value=0)
        assert threshold < 50 or sharp.idxmin() == "COVID"
        expected = min(sharp.min(), round(IMAGES_PER_CLASS * 0.7))
        assert rows["label"].value_counts().to_dict() == dict.fromkeys(SIZES, expected)
    at_50 = training(of(sweep, "laplacian_50"))
    assert at_threshold in at_50.loc[at_50["array"] == "images", "row"].to_numpy()


def test_threshold_0_keeps_all_of_the_chosen_setting(study):
    columns = ["array", "row", "image_id", "label", "split"]
    chosen, kept = (
        of(*which)[columns] for which in ((study.rows, "setting_3"), (study.sweep, "laplacian_0"))
    )
    pd.testing.assert_frame_equal(
        kept.reset_index(drop=True), chosen.reset_index(drop=True), check_dtype=False
    )
