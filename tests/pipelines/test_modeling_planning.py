"""Tables 2 to 4 and the Laplacian sweep: which radiographs and children every run is given."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_xray.models.settings import TrainingSettings
from covid_xray.pipelines.modeling.grid import AUGMENTED_SETS
from covid_xray.pipelines.modeling.parameters import FrozenParameters
from covid_xray.pipelines.modeling.planning import (
    MASKS,
    RUN_COLUMNS,
    plan_augmentation_settings,
    plan_laplacian_sweep,
    plan_preprocessing_variants,
    scale_settings,
    set_of,
)
from covid_xray.split import Split
from covid_xray.studies.parameters import (
    AugmentationParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.splits import split_radiographs
from covid_xray.studies.variants import VARIANT_COLUMNS
from support.project import ROOT

TABLE_2 = pd.read_csv(ROOT / "data/01_raw/published/table_2_augmentation_settings.csv")
SIZES = {"COVID": 30, "Lung_Opacity": 45, "Normal": 60, "Viral Pneumonia": 24}
IMAGES_PER_CLASS = 60
THRESHOLDS = [50, 45, 30, 0]
AUGMENTATION = AugmentationParameters(images_per_class=IMAGES_PER_CLASS, n_layers=3, factor=0.1)
SHARPNESS = SharpnessParameters(thresholds=[30], min_laplacian_variance=30)
FROZEN = FrozenParameters(
    augmentation_backbone="MobileNet",
    preprocessing_backbone="MobileNet",
    head=[{"dense": 8}],
    training=TrainingSettings(learning_rate=1e-3, batch_size=4, epochs=1, patience=1, seed=1),
    laplacian_thresholds=THRESHOLDS,
)


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
    splits = split_radiographs(groups, splitting.shares, splitting.protocol, splitting.seed)
    masked = rng.random(len(ids)) < mask_share
    lungs = pd.DataFrame({"mask_area": np.where(masked, 0.2, np.nan)})
    features = lungs.assign(laplacian_variance=rng.uniform(20, 80, len(ids)))
    return plan(splits, features, lungs, splitting)


def plan(splits, features, lungs, splitting):
    settings, children, rows = plan_augmentation_settings(
        TABLE_2, splits, features, lungs, splitting, AUGMENTATION, SHARPNESS
    )
    sweep = plan_laplacian_sweep(splits, features, children, splitting, AUGMENTATION, FROZEN)
    return SimpleNamespace(
        settings=settings,
        children=children,
        rows=rows,
        sweep=sweep,
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


def parents_of(study, rows):
    """Row in `images` of every row's radiograph, or of its parent."""
    parent = study.children.set_index(["set", "row"])["parent_row"]
    is_original = rows["array"].isin(["images", "masked_images"])
    originals = rows.loc[is_original, "row"]
    children = rows[~is_original].set_index(["array", "row"]).index
    return np.concatenate([originals, parent.loc[children]])


def test_settings_that_are_equal_share_a_run_and_the_masked_one_stands_apart():
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


def test_every_run_takes_its_children_from_the_set_of_its_setting(study):
    assert study.rows.columns.tolist() == RUN_COLUMNS
    assert study.rows["run"].unique().tolist() == study.settings["run"].unique().tolist()
    expected = {
        **dict.fromkeys(["1", "2", "3", "10", "12"], "three_layers"),
        "4": "two_layers",
        "6": "four_layers",
        "8": "factor_0_2",
        "9": "factor_0_3",
    }
    for run, name in expected.items():
        assert set(of(study.rows, run)["array"]) == {"images", name}
    assert set(of(study.rows, MASKS)["array"]) == {"masked_images", "masked"}


def test_every_row_points_at_the_radiograph_that_it_names(study):
    for rows in (study.rows, study.sweep):
        for array, pointing in rows.groupby("array"):
            table = study.splits
            if array not in ("images", "masked_images"):
                table = study.children[study.children["set"] == array].set_index("row")
            named = table.loc[pointing["row"]]
            for column in ("image_id", "label"):
                assert named[column].tolist() == pointing[column].tolist()


def test_classes_of_every_run_are_balanced_at_the_settings_size(study):
    sizes = study.settings.set_index("setting")["our_images_per_class"]
    leak_free = study.splitting.protocol == "leak_free"
    for run in study.settings["run"].unique():
        size = sizes[run]
        rows = of(study.rows, run)
        # Leak-free, only training rows are brought to their share; published, all together.
        if leak_free:
            rows, size = training(rows), round(size * 0.7)
        assert rows["label"].value_counts().to_dict() == dict.fromkeys(SIZES, size)


def test_children_of_a_smaller_setting_are_the_first_of_the_larger_ones(study):
    children = study.children[study.children["set"] == "three_layers"]
    for run, larger in (("1", "2"), ("2", "3")):
        few, many = (of(study.rows, name) for name in (run, larger))
        few, many = (rows[rows["array"] == "three_layers"] for rows in (few, many))
        assert set(few["row"]) < set(many["row"])
        for label, planned_children in children.groupby("label"):
            taken = few.loc[few["label"] == label, "row"]
            assert sorted(taken) == planned_children["row"].head(len(taken)).tolist()
    assert set(many["row"]) == set(children["row"])


def test_leak_free_runs_are_scored_on_the_same_radiographs(leak_free):
    kept = leak_free.splits[leak_free.splits["kept"]]
    kept = kept[kept["split"] != Split.TRAIN].rename_axis("row").reset_index()
    columns = ["row", "image_id", "label", "split"]
    for rows in (leak_free.rows[leak_free.rows["run"] != MASKS], leak_free.sweep):
        for run in rows["run"].unique():
            scored = held_out(of(rows, run))
            assert (scored["array"] == "images").all()
            pd.testing.assert_frame_equal(scored[columns], kept[columns], check_dtype=False)


def test_leak_free_no_child_has_a_held_out_parent(leak_free):
    parents = leak_free.splits.loc[leak_free.children["parent_row"]]
    assert set(parents["split"]) == {Split.TRAIN}
    assert parents["kept"].all()
    for rows in (leak_free.rows, leak_free.sweep):
        is_child = ~rows["array"].isin(["images", "masked_images"])
        assert is_child.any()
        assert set(rows.loc[is_child, "split"]) == {Split.TRAIN}


def test_the_masked_run_takes_radiographs_with_a_mask_alone(study):
    rows = of(study.rows, MASKS)
    has_mask = study.lungs["mask_area"].notna()
    assert has_mask[parents_of(study, rows)].all()
    assert not has_mask[parents_of(study, of(study.rows, "3"))].all()
    if study.splitting.protocol == "leak_free":
        kept = study.splits["kept"] & has_mask & (study.splits["split"] != Split.TRAIN)
        assert held_out(rows)["row"].tolist() == np.flatnonzero(kept).tolist()


@pytest.mark.parametrize("protocol", ["leak_free", "published"])
def test_without_any_mask_the_masked_run_has_no_row_and_the_rest_is_as_it_was(protocol):
    some, none = planned(protocol), planned(protocol, mask_share=0)
    assert MASKS in none.settings["run"].tolist()
    assert of(none.rows, MASKS).empty
    assert not (none.children["set"] == "masked").any()
    assert set(none.children["set"]) == set(AUGMENTED_SETS) - {"masked"}
    unmasked = some.rows[some.rows["run"] != MASKS].reset_index(drop=True)
    pd.testing.assert_frame_equal(none.rows, unmasked, check_dtype=False)
    pd.testing.assert_frame_equal(none.sweep, some.sweep, check_dtype=False)


def test_masks_of_held_out_radiographs_alone_leave_nothing_to_train_the_masked_run_on(leak_free):
    is_test = leak_free.splits["split"] == Split.TEST
    lungs = pd.DataFrame({"mask_area": np.where(is_test, 0.2, np.nan)})
    features = leak_free.features.assign(mask_area=lungs["mask_area"])
    few = plan(leak_free.splits, features, lungs, leak_free.splitting)
    assert training(of(few.rows, MASKS)).empty
    assert not (few.children["set"] == "masked").any()
    assert not training(of(few.rows, "3")).empty


def test_a_threshold_keeps_the_sharp_and_their_children_balanced_to_the_smallest_class(leak_free):
    """Against the pool that a reader would count: sharp training radiographs and children."""
    splits, children = leak_free.splits, leak_free.children
    children = children[children["set"] == "three_layers"]
    variances = leak_free.features["laplacian_variance"].to_numpy(copy=True)
    # A radiograph exactly at the threshold is sharp enough. It is of the scarcest class, of which
    # every sharp one is taken.
    trained = splits["kept"] & (splits["split"] == Split.TRAIN)
    scarce = trained & (splits["label"] == "COVID")
    at_threshold, *blurred = np.flatnonzero(scarce)[:17]
    variances[at_threshold], variances[blurred] = 50, 49.999
    features = leak_free.features.assign(laplacian_variance=variances)
    sweep = plan(splits, features, leak_free.lungs, leak_free.splitting).sweep
    assert sweep["run"].unique().tolist() == ["50", "45", "30", "0"]
    for threshold in THRESHOLDS:
        rows = training(of(sweep, str(threshold)))
        assert (variances[parents_of(leak_free, rows)] >= threshold).all()
        sharp = splits[trained & (variances >= threshold)]["label"].value_counts()
        of_sharp = children[variances[children["parent_row"]] >= threshold]["label"]
        sharp = sharp.add(of_sharp.value_counts(), fill_value=0)
        assert threshold < 50 or sharp.idxmin() == "COVID"
        expected = min(sharp.min(), round(IMAGES_PER_CLASS * 0.7))
        assert rows["label"].value_counts().to_dict() == dict.fromkeys(SIZES, expected)
    at_50 = training(of(sweep, "50"))
    assert at_threshold in at_50.loc[at_50["array"] == "images", "row"].to_numpy()


def test_threshold_0_keeps_every_radiograph_as_the_chosen_setting_does(study):
    columns = ["array", "row", "image_id", "label", "split"]
    chosen, kept = (of(*which)[columns] for which in ((study.rows, "3"), (study.sweep, "0")))
    pd.testing.assert_frame_equal(
        kept.reset_index(drop=True), chosen.reset_index(drop=True), check_dtype=False
    )


def test_table_4_takes_the_masked_variant_under_the_chosen_masks():
    def row(variant, array, number):
        values = [variant, array, number, f"{array}-{number}", "COVID", "g", "train"]
        return pd.DataFrame([dict(zip(VARIANT_COLUMNS, values, strict=True))])

    study = pd.concat([row("balanced", "images", 0), row("masked", "masked_images", 1)])
    chosen = row("masked", "masked_images", 5)
    rows = plan_preprocessing_variants(study, chosen)
    assert rows[["run", "array", "row"]].to_numpy().tolist() == [
        ["balanced", "images", 0],
        ["masked", "masked_images", 5],
    ]
    assert rows.columns.tolist() == RUN_COLUMNS
    assert plan_preprocessing_variants(study, chosen[:0])["run"].tolist() == ["balanced"]


def test_a_setting_that_no_set_serves_is_named():
    assert {set_of(s.n_layers, s.factor) for s in TABLE_2.itertuples()} == {
        name for name, of_set in AUGMENTED_SETS.items() if not of_set.masked
    }
    with pytest.raises(KeyError, match="2 transformations of amplitude 0.2.*AUGMENTED_SETS"):
        set_of(2, 0.2)
