"""The pipeline `cross_validation`: a backbone trained on folds that are each prepared anew."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.models.backbone import BACKBONES
from covid_xray.pipelines.cross_validation.nodes import plan_study_folds, summarise_folds
from covid_xray.pipelines.cross_validation.parameters import FoldParameters
from covid_xray.pipelines.cross_validation.pipeline import backbone_box
from covid_xray.studies.parameters import (
    AugmentationParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.training.runs import join_runs
from support.runs import IMAGES, INTERVALS, ORIGINALS, TRANSFER, run_on_study

pytestmark = pytest.mark.slow

SPLITTING = SplittingParameters(protocol="leak_free", train=0.7, validation=0.15, test=0.15, seed=3)
SPLITS = ORIGINALS[["image_id", "label", "group_id", "split"]].assign(kept=True)
FEATURES = pd.DataFrame(
    {"image_id": SPLITS["image_id"], "laplacian_variance": 50.0, "mask_area": np.nan}
)


@pytest.fixture(scope="module")
def planned():
    augmentation = AugmentationParameters(images_per_class=12, n_layers=3, factor=0.1)
    sharpness = SharpnessParameters(thresholds=[30], min_laplacian_variance=30)
    return plan_study_folds(
        SPLITS, FEATURES, TRANSFER, SPLITTING, augmentation, sharpness, FoldParameters(n_folds=3)
    )


@pytest.fixture(scope="module")
def folds(planned):
    return planned[0]


@pytest.fixture(scope="module")
def catalog(tiny_backbones, tmp_path_factory, planned):
    """A catalog after a tiny backbone was trained on three folds."""
    _, rows, augmented = planned
    return run_on_study(
        tmp_path_factory.mktemp("folds"),
        backbone_box(BACKBONES[0]),
        **{
            "masks": np.zeros_like(IMAGES),
            "fold_rows": rows,
            "fold_augmented_sets": augmented,
        },
    )


def test_every_fold_trains_on_augmented_images_of_its_own(catalog, planned):
    _, rows, augmented = planned
    assert len(augmented)
    runs = catalog.load("mobilenet_fold_runs").set_index("run")
    training = rows[rows["split"] == "train"]
    assert runs["n_train"].to_dict() == training["run"].value_counts().to_dict()
    assert (training.groupby("run")["array"].nunique() == 2).all()


def test_the_parameters_say_how_many_folds(folds):
    assert sorted(folds["fold"].unique()) == [0, 1, 2]
    with pytest.raises(ValueError, match="n_folds"):
        FoldParameters(n_folds=2)


def test_each_fold_is_a_run_of_classes_of_equal_weight(catalog):
    runs = catalog.load("mobilenet_fold_runs")
    assert runs["run"].tolist() == ["fold_0", "fold_1", "fold_2"]
    assert runs["fold"].tolist() == [0, 1, 2]
    assert (runs["note"] == "").all()
    assert not [name for name in runs if name.startswith("weight_")]
    assert list(catalog.load("mobilenet_fold_classifiers")) == runs["run"].tolist()


def test_each_fold_is_tested_on_its_own_radiographs(catalog, folds):
    predictions = catalog.load("mobilenet_fold_predictions").merge(folds, on="group_id")
    own = predictions["run"].str.removeprefix("fold_").astype(int)
    assert (predictions["fold"] == own)[predictions["split"] == "test"].all()
    following = (own + 1) % 3
    assert (predictions["fold"] == following)[predictions["split"] == "validation"].all()
    tested = predictions.loc[predictions["split"] == "test", "image_id"]
    assert sorted(tested) == sorted(ORIGINALS["image_id"])


def test_scores_of_folds_end_in_their_mean(catalog):
    (joined,) = join_runs(mobilenet_predictions=catalog.load("mobilenet_fold_predictions"))
    scores, summary = summarise_folds(joined, INTERVALS)
    assert scores["run"].tolist() == ["fold_0", "fold_1", "fold_2"]
    mean = summary.set_index("score").loc["f1_score", "mean"]
    assert mean == pytest.approx(scores["f1_score"].mean())
