import logging

import numpy as np
import pandas as pd
import pytest

from covid_xray.pipelines.modeling.nodes import class_names, one_hot, weights_in_order
from covid_xray.pipelines.modeling.pipeline import BACKBONES, CLASS_WEIGHTS, create_pipeline
from covid_xray.studies.variants import select_variant

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
N_NODES = 58


def test_weights_follow_the_order_of_the_models_outputs():
    assert weights_in_order({"COVID": 3}, CLASSES) == [3, 1, 1, 1]
    assert weights_in_order({"Viral Pneumonia": 2.5, "COVID": 2}, CLASSES) == [2, 1, 1, 2.5]


@pytest.mark.parametrize("weights", [{"Covid": 2}, {"COVID": 0}, {"COVID": -1}, {"COVID": "two"}])
def test_a_wrong_weight_is_named(weights):
    with pytest.raises(ValueError, match=next(iter(weights))):
        weights_in_order(weights, CLASSES)


def test_labels_become_one_hot_rows_in_the_order_of_the_classes():
    rows = pd.DataFrame({"label": ["Normal", "COVID", "Normal"]})
    assert class_names(rows) == ["COVID", "Normal"]
    assert one_hot(rows["label"], class_names(rows)).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_the_grid_has_an_instance_per_backbone_and_weight_and_one_trunk_pass_per_backbone():
    names = {node.name for node in create_pipeline().nodes}
    for backbone in BACKBONES:
        assert f"modeling.{backbone}.extract_trunk_features" in names
        for weights in CLASS_WEIGHTS:
            assert f"modeling.{backbone}.{weights}.train_classifier" in names
    assert len(names) == len(BACKBONES) * (2 + 2 * len(CLASS_WEIGHTS))


@pytest.mark.slow
def test_the_whole_project_ends_with_the_tables(finished, load_catalog):
    catalog = load_catalog(finished)
    table = catalog.load("table_5")
    assert table[["backbone", "covid_weight"]].to_numpy().tolist() == [
        ["MobileNet", 1],
        ["MobileNet", 2],
        ["MobileNet", 3],
    ]
    assert (table["trainable_params"] == 2_659_076).all()
    assert (table["weights"] == "none").all()
    assert "2,659,076 (2,659,076)" in catalog.load("tables")


@pytest.mark.slow
def test_predictions_are_those_of_the_saved_classifier_on_the_catalogued_images(
    finished, load_catalog
):
    catalog = load_catalog(finished)
    predictions = catalog.load("modeling.mobilenet.covid_weight_2.predictions")
    classifier = catalog.load("modeling.mobilenet.covid_weight_2.classifier")
    index = catalog.load("radiograph_index")
    splits = catalog.load("splits").set_index("image_id")
    assert (splits.loc[predictions["image_id"], "split"].to_numpy() == predictions["split"]).all()
    rows = index.reset_index().set_index("image_id").loc[predictions["image_id"], "index"]
    pixels = catalog.load("images")[rows.to_numpy()][..., None].astype("float32")
    columns = [f"probability_{name}" for name in CLASSES]
    expected = np.asarray(classifier(pixels, training=False))
    np.testing.assert_allclose(predictions[columns], expected, atol=1e-4)
    best = np.array(CLASSES)[expected.argmax(axis=1)]
    assert (predictions["predicted"] == best).mean() > 0.95  # ties aside


@pytest.mark.slow
def test_held_out_radiographs_are_the_kept_originals_of_their_splits(finished, load_catalog):
    catalog = load_catalog(finished)
    predictions = catalog.load("modeling.mobilenet.covid_weight_1.predictions")
    splits = catalog.load("splits")
    held_out = splits[splits["kept"] & (splits["split"] != "train")]
    assert sorted(predictions["image_id"]) == sorted(held_out["image_id"])


@pytest.mark.slow
def test_features_follow_the_rows_of_the_variant(finished, load_catalog):
    catalog = load_catalog(finished)
    rows = select_variant(catalog.load("study_variants"), "balanced_augmented")
    assert len(catalog.load("modeling.mobilenet.trunk_features")) == len(rows)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table_byte_for_byte_after_a_run_anew(finished, run_kedro):
    table = finished / "data/08_reporting/phantom_study/table_5.csv"
    before = table.read_bytes()
    run_kedro(finished, "modeling", "reporting")
    assert table.read_bytes() == before


@pytest.mark.slow
def test_what_is_missing_is_made_again_and_nothing_else(finished, run_kedro, caplog):
    table = finished / "data/08_reporting/phantom_study/table_5.csv"
    predictions = (
        finished / "data/07_model_output/phantom_study/mobilenet/covid_weight_3/predictions.csv"
    )
    before = {path: path.read_bytes() for path in (table, predictions)}
    for path in before:
        path.unlink()
    with caplog.at_level(logging.INFO):
        run_kedro(finished, only_missing_outputs=True)
    assert {path: path.read_bytes() for path in before} == before
    assert f"Running 2 out of {N_NODES} nodes" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        run_kedro(finished, only_missing_outputs=True)
    assert f"Skipping all {N_NODES} nodes" in caplog.text
