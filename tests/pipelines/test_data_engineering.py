import logging

import numpy as np
import pandas as pd
import pytest

from covid_xray.pipelines.data_engineering.nodes import (
    find_duplicates,
    plan_variants,
    read_radiographs,
    split_study,
)
from covid_xray.studies.parameters import (
    AugmentationParameters,
    DuplicateParameters,
    ReadingParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.study import open_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def catalog(engineered, load_catalog):
    return load_catalog(engineered)


@pytest.fixture(scope="module")
def truth(engineered):
    return pd.read_csv(
        engineered / "data/01_raw/phantom_study/truth.csv", keep_default_na=False
    ).set_index("image_id")


def test_row_i_of_every_array_and_table_is_the_same_radiograph(catalog):
    index = catalog.load("radiograph_index")
    assert len(catalog.load("images")) == len(catalog.load("masks")) == len(index)
    for name in ("radiograph_features", "duplicate_groups", "splits"):
        assert catalog.load(name)["image_id"].tolist() == index["image_id"].tolist()


def test_exactly_the_planted_defects_are_rejected(catalog, truth):
    rejected = catalog.load("rejected_radiographs").set_index("file")["reason"].to_dict()
    planted = truth[truth["defect"] != ""].set_index("file")["defect"].to_dict()
    assert rejected == planted


def test_exactly_the_planted_duplicates_are_found(catalog, truth):
    def pairs_of(table):
        return {frozenset(pair) for pair in table[["image_id_1", "image_id_2"]].to_numpy()}

    copies = truth[truth["duplicate_of"] != ""]
    conflict = copies["duplicate_kind"] == "label_conflict"
    planted = {
        kind: {frozenset(pair) for pair in copies[chosen]["duplicate_of"].items()}
        for kind, chosen in (("conflict", conflict), ("duplicate", ~conflict))
    }
    assert pairs_of(catalog.load("duplicate_pairs")) == planted["duplicate"]
    assert pairs_of(catalog.load("label_conflicts")) == planted["conflict"]


def test_sources_come_from_the_metadata_in_spite_of_its_spelling(catalog, truth):
    index = catalog.load("radiograph_index").set_index("image_id")
    assert index["source_url"].to_dict() == truth.loc[index.index, "source_url"].to_dict()
    assert (index.loc[index["label"] == "Normal", "source"] != "unknown").all()


def test_blurred_radiographs_fall_below_the_final_threshold(catalog, truth):
    features = catalog.load("radiograph_features").set_index("image_id")
    blurred = truth.loc[features.index, "blurred"]
    assert 0 < blurred.sum() < len(blurred)
    assert (features.loc[blurred, "laplacian_variance"] < 30).all()
    sharpness = catalog.load("sharpness").query("threshold == 30 and label == 'all'").iloc[0]
    assert sharpness["n_images"] - sharpness["n_kept"] == blurred.sum()


def test_augmented_children_are_training_rows_only_and_differ_from_their_parents(catalog):
    plan, splits = catalog.load("augmentation_plan"), catalog.load("splits")
    children = catalog.load("augmented_images")
    assert len(children) == len(plan) > 0
    assert (plan["split"] == "train").all()
    assert (splits["split"].to_numpy()[plan["parent_row"]] == "train").all()
    parents = catalog.load("images")[plan["parent_row"].to_numpy()]
    moved = np.abs(children.astype(float) - parents).mean(axis=(1, 2))
    assert (moved > 1).all()


def test_a_second_run_of_missing_outputs_does_nothing_and_says_so(
    engineered, run_kedro, caplog, monkeypatch
):
    files = [path for path in (engineered / "data").rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    logging.getLogger("kedro").propagate = True
    with caplog.at_level(logging.INFO):
        run_kedro(engineered, "data_engineering", only_missing_outputs=True)
    assert "Skipping all 6 nodes" in caplog.text
    after = [path for path in (engineered / "data").rglob("*") if path.is_file()]
    assert {path: path.stat().st_mtime_ns for path in after} == before


def test_another_seed_splits_otherwise_and_the_same_seed_alike(engineered, run_kedro, load_catalog):
    before = load_catalog(engineered).load("splits")
    tables = {}
    for seed in (2025, 7):
        params = {"seed": seed}
        run_kedro(engineered, "data_engineering", node_names=["split_study"], params=params)
        tables[seed] = load_catalog(engineered).load("splits")
    run_kedro(engineered, "data_engineering", node_names=["split_study"])
    assert tables[2025].equals(before)
    assert not tables[7].equals(before)


def steps(study, protocol):
    """The pipeline's steps up to the variants, as plain function calls."""
    index, features, images, _, _ = read_radiographs(study, ReadingParameters(side=64))
    rule = DuplicateParameters(ssim_side=50, min_ssim=0.8, max_hash_distance=2)
    _, _, groups = find_duplicates(index, features, images, rule)
    splitting = SplittingParameters(
        protocol=protocol, train=0.7, validation=0.15, test=0.15, seed=1
    )
    splits = split_study(groups, splitting)
    augmentation = AugmentationParameters(images_per_class=20, n_layers=3, factor=0.1)
    sharpness = SharpnessParameters(thresholds=[30], min_laplacian_variance=30)
    plan, variants = plan_variants(splits, features, splitting, augmentation, sharpness)
    return index, splits, plan, variants


def test_the_published_protocol_leaks_and_the_leak_free_one_does_not(phantom):
    study = open_study(phantom[0])
    leaks = {}
    for protocol in ("published", "leak_free"):
        _, splits, plan, _ = steps(study, protocol)
        parents = splits["split"].to_numpy()[plan["parent_row"]]
        leaks[protocol] = int((parents != plan["split"].to_numpy()).sum())
    assert leaks["leak_free"] == 0
    assert leaks["published"] > 0


def test_a_study_without_any_mask_runs_with_missing_features(phantom, tmp_path):
    import shutil

    folder = tmp_path / "maskless"
    shutil.copytree(phantom[0], folder, ignore=shutil.ignore_patterns("masks"))
    index, features, _, masks, rejected = read_radiographs(
        open_study(folder), ReadingParameters(side=64)
    )
    assert not index["has_mask"].any()
    assert not masks.any()
    assert features[["mask_area", "masked_luminosity", "masked_contrast"]].isna().all().all()
    assert features[["luminosity", "rms_contrast", "laplacian_variance"]].notna().all().all()
    assert set(rejected["reason"]) == {"truncated", "not_an_image"}
    _, _, _, variants = steps(open_study(folder), "leak_free")
    assert "masked" not in set(variants["variant"])


def test_the_known_duplicates_of_the_real_sample_are_all_found(real_radiographs):
    known = pd.read_csv(real_radiographs.parent / "radiographs_known_duplicates.csv")
    index, features, images, _, rejected = read_radiographs(
        open_study(real_radiographs), ReadingParameters(side=256)
    )
    assert len(index) == 1630
    assert rejected.empty
    rule = DuplicateParameters(ssim_side=50, min_ssim=0.8, max_hash_distance=2)
    _, _, groups = find_duplicates(index, features, images, rule)
    group_of = groups.set_index("image_id")["group_id"]
    split_up = known.groupby("group")["image_id"].agg(lambda ids: group_of[ids].nunique())
    assert len(split_up) == 30
    assert (split_up == 1).all()
