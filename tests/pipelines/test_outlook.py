import numpy as np
import pandas as pd
import pytest
from covid_xray.pipelines.modeling.grid import BACKBONES
from covid_xray.pipelines.outlook.nodes import deal_folds, rows_of_fold, summarise_folds
from covid_xray.pipelines.outlook.parameters import OptimiserParameters
from covid_xray.pipelines.outlook.pipeline import N_FOLDS, OPTIMISERS, create_pipeline
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from covid_xray.evaluation.intervals import Intervals
from covid_xray.models.settings import TrainingSettings
from covid_xray.pipeline_registry import OPTIONAL
from covid_xray.pipelines.modeling.parameters import TransferParameters
from covid_xray.studies.parameters import SplittingParameters
from support.project import ROOT

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
TRANSFER = TransferParameters(
    variant="balanced_augmented",
    weights="none",
    input_side=32,
    feature_batch_size=8,
    feature_dtype="float32",
    seed=1,
)
SPLITTING = SplittingParameters(protocol="leak_free", train=0.7, validation=0.15, test=0.15, seed=3)


def variants(groups_per_class=20):
    """Groups of one to three originals, and two children of every training original."""
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
    return table.assign(variant="balanced_augmented")


def test_folds_part_no_group_and_share_out_every_class():
    rows = variants()
    folds = deal_folds(rows, TRANSFER, SPLITTING, n_folds=N_FOLDS)
    assert folds["group_id"].is_unique
    assert set(folds["group_id"]) == set(rows["group_id"])
    originals = rows[rows["array"] == "images"].merge(folds, on="group_id")
    shares = pd.crosstab(originals["label"], originals["fold"], normalize="index")
    assert shares.min().min() > 0.1 and shares.max().max() < 0.3
    assert folds.equals(deal_folds(rows, TRANSFER, SPLITTING, n_folds=N_FOLDS))


def test_too_few_groups_for_the_folds_are_named():
    rows = variants()
    few = rows[(rows["label"] != "COVID") | rows["group_id"].isin(["COVID-0", "COVID-1"])]
    with pytest.raises(ValueError, match="Class 'COVID' has 2 duplicate groups"):
        deal_folds(few, TRANSFER, SPLITTING, n_folds=N_FOLDS)


def test_every_original_is_tested_on_once_and_never_beside_its_group_or_children():
    rows = variants()
    folds = deal_folds(rows, TRANSFER, SPLITTING, n_folds=N_FOLDS)
    tested = []
    for fold in range(N_FOLDS):
        dealt, positions = rows_of_fold(rows, folds, fold, seed=1)
        pd.testing.assert_series_equal(
            rows["image_id"].iloc[positions].reset_index(drop=True), dealt["image_id"]
        )
        groups = dealt.groupby("split")["group_id"].agg(set)
        assert not groups["train"] & groups["test"]
        assert not groups["train"] & groups["validation"]
        assert not groups["validation"] & groups["test"]
        held_out = dealt[dealt["split"] != "train"]
        assert (held_out["array"] == "images").all()
        assert len(set(dealt.loc[dealt["split"] == "train", "label"].value_counts())) == 1
        tested += dealt.loc[dealt["split"] == "test", "image_id"].tolist()
    assert sorted(tested) == sorted(rows.loc[rows["array"] == "images", "image_id"])


def predictions(right, wrong):
    labels = CLASSES * (right + wrong)
    taken_for = CLASSES * right + [*CLASSES[1:], CLASSES[0]] * wrong
    table = pd.DataFrame({"split": "test", "label": labels, "predicted": taken_for})
    unseen = pd.DataFrame({"split": "validation", "label": CLASSES, "predicted": CLASSES[0]})
    table = pd.concat([table, unseen])
    return table.assign(**{f"probability_{name}": 0.25 for name in CLASSES})


def test_folds_end_in_their_mean_and_the_samples_standard_deviation():
    scores, summary = summarise_folds(
        Intervals(n_resamples=100, confidence=0.9, seed=1),
        predictions(9, 1), predictions(7, 3), predictions(1, 1), predictions(1, 1),
        backbones=["mobilenet", "vgg19"],
    )  # fmt: skip
    assert scores["fold"].tolist() == [0, 1, 0, 1]
    table = summary.set_index(["backbone", "score"])
    row = table.loc[("mobilenet", "f1_score")]
    assert row["mean"] == pytest.approx(0.8)
    assert row["sd"] == pytest.approx(np.std([0.9, 0.7], ddof=1))
    assert row["n_folds"] == 2
    assert table.loc[("vgg19", "recall_covid"), ["mean", "sd"]].tolist() == [0.5, 0]


def test_an_optimiser_changes_itself_and_its_rate_alone():
    training = TrainingSettings(learning_rate=1e-5, batch_size=16, epochs=10, patience=5, seed=1)
    other = OptimiserParameters(optimiser="adagrad", learning_rate=1e-2).applied_to(training)
    assert other.model_dump() == training.model_dump() | {
        "optimiser": "adagrad",
        "learning_rate": 1e-2,
    }


def test_the_optional_pipelines_run_by_name_only_and_their_parts_by_tag():
    bootstrap_project(ROOT)
    usual = {node.name for node in pipelines["__default__"].nodes}
    for name in OPTIONAL:
        assert pipelines[name].nodes
        assert not usual & {node.name for node in pipelines[name].nodes}
    folds = create_pipeline().only_nodes_with_tags("cross_validation")
    trained = create_pipeline().only_nodes_with_tags("optimisers")
    assert len(folds.nodes) == len(BACKBONES) * N_FOLDS + 2
    assert len(trained.nodes) == len(BACKBONES) * len(OPTIMISERS) + 1


@pytest.mark.slow
def test_folds_and_optimisers_train_on_the_features_that_the_grid_has_cached(
    finished, run_kedro, load_catalog
):
    features = finished / "data/05_model_input/phantom_study/mobilenet/trunk_features.npy"
    before = features.stat().st_mtime_ns
    nodes = ["deal_folds", "train_mobilenet_fold_2", "train_mobilenet_adagrad"]
    run_kedro(finished, "outlook", node_names=nodes)
    assert features.stat().st_mtime_ns == before
    catalog = load_catalog(finished)
    folds = catalog.load("folds").set_index("group_id")["fold"]
    group = catalog.load("splits").set_index("image_id")["group_id"]
    table = catalog.load("outlook.mobilenet.fold_2.fold_predictions").set_index("image_id")
    fold_of_image = folds.loc[group.loc[table.index]].to_numpy()
    assert (fold_of_image[table["split"] == "test"] == 2).all()
    assert (fold_of_image[table["split"] == "validation"] == 3).all()
    adam = catalog.load("modeling.mobilenet.covid_weight_1.predictions")
    adagrad = catalog.load("outlook.mobilenet.adagrad.predictions")
    assert adam["image_id"].equals(adagrad["image_id"])
    assert not adam["probability_COVID"].equals(adagrad["probability_COVID"])
