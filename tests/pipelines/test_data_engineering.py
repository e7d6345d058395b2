"""The pipeline `data_engineering` on phantoms whose defects, duplicates and blur are known."""

import logging
import shutil

import numpy as np
import pandas as pd
import pytest

from covid_xray.pipelines.data_engineering.nodes import (
    find_duplicates,
    read_radiographs,
    split_study,
)
from covid_xray.studies.folds import assign_folds
from covid_xray.studies.parameters import ReadingParameters, SplittingParameters
from covid_xray.studies.study import open_study
from support.study import PARAMETERS, SHARES, engineer


def splitting(protocol="leak_free", seed=1):
    return SplittingParameters(protocol=protocol, **SHARES, seed=seed)


@pytest.fixture(scope="module")
def truth(phantom):
    return phantom[1].set_index("image_id")


def test_row_i_is_the_same_radiograph_everywhere(study):
    index = study["radiograph_index"]
    assert len(study["images"]) == len(study["masks"]) == len(index)
    for name in ("radiograph_features", "duplicate_groups", "splits"):
        assert study[name]["image_id"].tolist() == index["image_id"].tolist()


def test_exactly_the_planted_defects_are_rejected(study, truth):
    rejected = study["rejected_radiographs"].set_index("file")["reason"].to_dict()
    planted = truth[truth["defect"] != ""].set_index("file")["defect"].to_dict()
    assert rejected == planted


def test_exactly_the_planted_duplicates_are_found(study, truth):
    def pairs_of(table):
        return {frozenset(pair) for pair in table[["image_id_1", "image_id_2"]].to_numpy()}

    copies = truth[truth["duplicate_of"] != ""]
    conflict = copies["duplicate_kind"] == "label_conflict"
    planted = {
        kind: {frozenset(pair) for pair in copies[chosen]["duplicate_of"].items()}
        for kind, chosen in (("conflict", conflict), ("duplicate", ~conflict))
    }
    assert pairs_of(study["duplicate_pairs"]) == planted["duplicate"]
    assert pairs_of(study["label_conflicts"]) == planted["conflict"]


def test_sources_come_from_misspelt_metadata_too(study, truth):
    index = study["radiograph_index"].set_index("image_id")
    assert index["source_url"].to_dict() == truth.loc[index.index, "source_url"].to_dict()
    assert (index.loc[index["label"] == "Normal", "source"] != "unknown").all()


def test_blurred_radiographs_fall_below_the_threshold(study, truth):
    features = study["radiograph_features"].set_index("image_id")
    blurred = truth.loc[features.index, "blurred"]
    assert 0 < blurred.sum() < len(blurred)
    assert (features.loc[blurred, "laplacian_variance"] < 30).all()
    sharpness = study["sharpness"].query("threshold == 30 and label == 'all'").iloc[0]
    assert sharpness["n_images"] - sharpness["n_kept"] == blurred.sum()


def test_source_images_are_training_rows(study):
    plan = study["augmentation_plan"]
    assert len(plan) > 0
    assert (plan["split"] == "train").all()
    assert (study["splits"]["split"].to_numpy()[plan["source_row"]] == "train").all()


def test_the_page_shows_what_became_of_the_files(study, truth):
    page = study["data_engineering_page"]
    for reason in truth.loc[truth["defect"] != "", "defect"]:
        assert f"| {reason} |" in page
    covid = study["table_1"].set_index("label").loc["COVID"]
    assert f"| COVID | {covid['mean_bytes']:,.0f} (35,836) |" in page


def test_only_the_published_protocol_leaks(phantom):
    leaks = {}
    for protocol in ("published", "leak_free"):
        made = engineer(phantom[0], **{"params:splitting": splitting(protocol)})
        plan = made["augmentation_plan"]
        sources = made["splits"]["split"].to_numpy()[plan["source_row"]]
        leaks[protocol] = int((sources != plan["split"].to_numpy()).sum())
    assert leaks["leak_free"] == 0
    assert leaks["published"] > 0


def test_a_study_without_masks_has_missing_features(phantom, tmp_path):
    folder = tmp_path / "maskless"
    shutil.copytree(phantom[0], folder, ignore=shutil.ignore_patterns("masks"))
    made = engineer(folder)
    features = made["radiograph_features"]
    assert not made["radiograph_index"]["has_mask"].any()
    assert not made["masks"].any()
    assert features[["mask_area", "masked_luminosity", "masked_contrast"]].isna().all().all()
    assert features[["luminosity", "rms_contrast", "laplacian_variance"]].notna().all().all()
    assert set(made["rejected_radiographs"]["reason"]) == {"truncated", "not_an_image"}
    assert "masked" not in set(made["study_variants"]["variant"])


def test_no_patient_is_on_two_sides_of_a_split_or_fold(phantom, tmp_path):
    folder = tmp_path / "patients"
    shutil.copytree(phantom[0], folder)
    ids = [file.image_id for file in open_study(folder).radiographs]
    patients = pd.DataFrame(
        {"image_id": ids, "Patient ID": [f"p{k // 2}" for k in range(len(ids))]}
    )
    patients.to_csv(folder / "metadata.csv", index=False)
    made = engineer(folder)
    splits = made["splits"]
    patient = made["radiograph_index"]["patient_id"]
    assert patient.value_counts().max() == 2
    assert splits.groupby(patient)["split"].nunique().max() == 1
    both = splits["kept"].groupby(patient).transform("sum") == 2
    assert both.any()  # two pictures of a patient are both used
    folds = assign_folds(splits, 3, seed=1)
    fold = splits["group_id"].map(folds.set_index("group_id")["fold"])
    assert fold.groupby(patient).nunique().max() == 1


def test_the_seed_decides_the_split(study):
    groups = study["duplicate_groups"]
    assert split_study(groups, None, splitting()).equals(study["splits"])
    assert not split_study(groups, None, splitting(seed=7)).equals(study["splits"])


@pytest.mark.slow
def test_augmented_images_differ_from_their_sources(engineered, load_catalog):
    catalog = load_catalog(engineered)
    plan, augmented = catalog.load("augmentation_plan"), catalog.load("augmented_images")
    assert len(augmented) == len(plan) > 0
    sources = catalog.load("images")[plan["source_row"].to_numpy()]
    moved = np.abs(augmented.astype(float) - sources).mean(axis=(1, 2))
    assert (moved > 1).all()


@pytest.mark.slow
def test_a_second_run_of_missing_outputs_does_nothing(engineered, run_kedro, caplog):
    def written():
        files = [path for path in (engineered / "data").rglob("*") if path.is_file()]
        return {path: path.stat().st_mtime_ns for path in files if path.name != ".lock"}

    before = written()
    logging.getLogger("kedro").propagate = True
    with caplog.at_level(logging.INFO):
        run_kedro(engineered, "data_engineering", only_missing_outputs=True)
    assert "Skipping all 8 nodes" in caplog.text
    assert written() == before


@pytest.mark.slow
def test_the_seed_is_a_parameter_of_the_run(engineered, run_kedro, load_catalog):
    before = load_catalog(engineered).load("splits")
    node = ["data_engineering.split_study"]
    run_kedro(engineered, "data_engineering", node_names=node, params={"seed": 7})
    other = load_catalog(engineered).load("splits")
    run_kedro(engineered, "data_engineering", node_names=node)
    assert load_catalog(engineered).load("splits").equals(before)
    assert not other.equals(before)


@pytest.mark.slow
def test_the_known_duplicates_of_the_real_sample_are_all_found(real_radiographs):
    known = pd.read_csv(real_radiographs.parent / "radiographs_known_duplicates.csv")
    index, features, images, _, rejected = read_radiographs(
        open_study(real_radiographs), ReadingParameters(side=256)
    )
    assert len(index) == 1630
    assert rejected.empty
    _, _, groups = find_duplicates(index, features, images, PARAMETERS["params:duplicates"])
    group_of = groups.set_index("image_id")["group_id"]
    split_up = known.groupby("group")["image_id"].agg(lambda ids: group_of[ids].nunique())
    assert len(split_up) == 30
    assert (split_up == 1).all()
