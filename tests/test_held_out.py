"""Nothing is fitted on test radiographs: other pictures and labels in their rows teach nothing."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.thorough

MODELS = ("unet", "dense_autoencoder", "convolutional_autoencoder")
FITTED = ("mean_radiograph", "eigen_images", "dense_code_scaling", "convolutional_code_scaling")
STORES = (
    "mobilenet",
    "efficientnetb0",
    "resnet50v2",
    "vgg19",
    "augmentation",
    "preprocessing",
    "screening",
)
LABELLED = (
    "02_intermediate/phantom_study/radiograph_index.parquet",
    "03_primary/phantom_study/radiograph_features.parquet",
    "03_primary/phantom_study/duplicate_groups.parquet",
    "05_model_input/phantom_study/splits.parquet",
    "05_model_input/phantom_study/study_variants.parquet",
)
ARRAYS = "02_intermediate/phantom_study"


def replace_array(path, change):
    """A file in place of a link: the shared project keeps its own."""
    array = np.load(path)
    change(array)
    path.unlink()
    np.save(path, array)


@pytest.fixture(scope="module")
def altered(tmp_path_factory, finished, run_kedro):
    """The finished project fitted again, after test radiographs became noise of other classes."""
    project = tmp_path_factory.mktemp("altered") / "project"
    shutil.copytree(finished, project, copy_function=os.link)
    data = project / "data"
    splits = pd.read_parquet(data / "05_model_input/phantom_study/splits.parquet")
    test = splits[splits["split"] == "test"]
    rows = test.index.to_numpy()
    noise = np.random.default_rng(5)

    def other_pixels(images):
        images[rows] = noise.integers(0, 256, images[rows].shape)

    def other_masks(masks):
        masks[rows] = masks[rows][:, ::-1, ::-1]

    replace_array(data / ARRAYS / "images.npy", other_pixels)
    replace_array(data / ARRAYS / "masks.npy", other_masks)
    labels = dict(zip(test["image_id"], np.roll(test["label"], len(test) // 2), strict=True))
    for file in LABELLED:
        table = pd.read_parquet(data / file)
        changed = table["image_id"].map(labels).fillna(table["label"])
        (data / file).unlink()
        table.assign(label=changed).to_parquet(data / file)
    wanted = [*MODELS, *FITTED, *(f"{store}_classifiers" for store in STORES)]
    run_kedro(
        project,
        "exploration",
        "segmentation",
        "modeling",
        "ablation",
        "screening",
        to_outputs=[*wanted, "predicted_masks", "classical_predictions", "operating_points"],
    )
    return project


@pytest.fixture(scope="module")
def both(finished, altered, load_catalog):
    """The catalogs before and after."""
    return [load_catalog(project) for project in (finished, altered)]


def loaded(both, name):
    return [catalog.load(name) for catalog in both]


def assert_same_weights(one, other):
    for before, after in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_test_radiographs_are_others(both):
    """Or nothing below would show anything."""
    before, after = loaded(both, "splits")
    test = before["split"] == "test"
    assert (before["label"] != after["label"])[test].sum() >= 6
    assert before[~test].equals(after[~test])
    before, after = loaded(both, "images")
    assert (before[test] != after[test]).mean() > 0.9
    before, after = loaded(both, "predicted_masks")
    assert (before[test] != after[test]).any()


@pytest.mark.parametrize("name", MODELS)
def test_no_model_of_radiographs_changes(both, name):
    assert_same_weights(*loaded(both, name))


@pytest.mark.parametrize("name", FITTED)
def test_no_component_and_no_scaler_changes(both, name):
    before, after = loaded(both, name)
    np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


def test_no_lung_mask_of_another_radiograph_changes(both):
    before, after = loaded(both, "predicted_masks")
    others = (both[0].load("splits")["split"] != "test").to_numpy()
    np.testing.assert_array_equal(before[others], after[others])


@pytest.mark.parametrize("store", STORES)
def test_no_run_changes(both, store):
    """Weights, losses and accuracies of every epoch, the best epoch, and validation answers."""
    before, after = loaded(both, f"{store}_classifiers")
    assert list(before) == list(after)
    pd.testing.assert_frame_equal(before.histories, after.histories)
    pd.testing.assert_series_equal(before.runs["best_epoch"], after.runs["best_epoch"])
    answers = [kept.predictions.query("split == 'validation'") for kept in (before, after)]
    pd.testing.assert_frame_equal(*answers)
    for run in before:
        assert_same_weights(before[run], after[run])


def test_no_classical_classifier_and_no_threshold_changes(both):
    answers = loaded(both, "classical_predictions")
    validated = [table.query("split == 'validation'") for table in answers]
    pd.testing.assert_frame_equal(*validated)
    assert not answers[0].equals(answers[1])
    chosen = [
        points[["threshold", "validation_sensitivity", "validation_specificity"]]
        for points in loaded(both, "operating_points")
    ]
    pd.testing.assert_frame_equal(*chosen)
