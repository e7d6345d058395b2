import importlib.util
import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from covid_xray.pipelines.modeling.describing import right_and_wrong
from covid_xray.pipelines.modeling.grid import (
    BACKBONES,
    CLASS_WEIGHTS,
    FIGURE_14_BACKBONE,
    FIGURE_14_WEIGHTS,
)

from covid_xray.pipelines.modeling.pipeline import create_pipeline
from covid_xray.studies.variants import VARIANTS, select_variant
from support.project import ROOT

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
PUBLISHED_5 = pd.read_csv(ROOT / "data/01_raw/published/table_5_model_comparison.csv")
COLUMNS = [f"probability_{name}" for name in CLASSES]
OUTPUTS = "data/07_model_output/phantom_study"
TABLES = "data/08_reporting/phantom_study"


def test_the_grid_has_an_instance_per_backbone_and_weight_and_one_trunk_pass_per_backbone():
    names = [node.name for node in create_pipeline().nodes]
    assert list(BACKBONES) == ["mobilenet", "efficientnetb0", "resnet50v2", "vgg19"]
    for backbone in BACKBONES:
        weights = FIGURE_14_WEIGHTS if backbone == FIGURE_14_BACKBONE else CLASS_WEIGHTS
        trained = {f"modeling.{backbone}.{name}.train_classifier" for name in weights}
        assert {name for name in names if name.startswith(f"modeling.{backbone}.covid")} == trained
        assert names.count(f"modeling.{backbone}.extract_trunk_features") == 1
    assert len(FIGURE_14_WEIGHTS) == 12


def test_right_and_wrong_predictions_are_drawn_from_the_test_split_alone():
    predictions = pd.DataFrame(
        {
            "image_id": [f"x{i}" for i in range(12)],
            "split": ["validation"] * 4 + ["test"] * 8,
            "label": "COVID",
            "predicted": ["COVID", "Normal"] * 2 + ["COVID"] * 7 + ["Normal"],
        }
    )
    shown = right_and_wrong(predictions, seed=1)
    assert shown["predicted"].tolist() == ["COVID", "COVID", "Normal"]  # only one is wrong
    assert (shown["split"] == "test").all()
    assert shown.equals(right_and_wrong(predictions, seed=1))


@pytest.mark.slow
def test_table_5_has_all_twelve_models_with_the_published_trainable_parameters(
    finished, load_catalog
):
    catalog = load_catalog(finished)
    table = catalog.load("table_5")
    keys = ["backbone", "covid_weight", "trainable_params"]
    assert table[keys].to_numpy().tolist() == PUBLISHED_5[keys].to_numpy().tolist()
    assert (table["weights"] == "none").all()
    page = catalog.load("tables")
    for count in ("2,659,076", "741,124", "8,144,388", "2,361,860"):
        assert f"{count} ({count})" in page


@pytest.mark.slow
def test_tables_3_and_4_and_the_sweep_score_every_run(finished, load_catalog):
    catalog = load_catalog(finished)
    table_3, table_4 = catalog.load("table_3"), catalog.load("table_4")
    assert table_3["setting"].tolist() == [*map(str, range(1, 13)), "masks"]
    scores = table_3.set_index("setting")[["accuracy", "f1_score"]]
    for repeated in ("5", "7", "11"):
        assert scores.loc[repeated].equals(scores.loc["3"].rename(repeated))
    by_run = catalog.load("augmentation_predictions").groupby("run")["probability_COVID"]
    assert len({tuple(of_run) for _, of_run in by_run}) == 10, "two runs were trained alike"
    assert table_4["variant"].tolist() == list(VARIANTS)
    assert table_4["accuracy_published"].tolist() == [0.89, 0.92, 0.91, 0.76, 0.73]
    assert catalog.load("laplacian_table")["threshold"].tolist() == [50, 45, 40, 35, 30, 0]
    assert catalog.load("figure_14_scores")["covid_weight"].tolist() == list(range(1, 13))
    for table in (table_3, table_4, catalog.load("laplacian_table")):
        assert table["note"].isna().all()
        assert table["accuracy"].between(0, 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
def test_predictions_are_those_of_the_saved_classifier_on_the_catalogued_images(
    finished, load_catalog, backbone
):
    catalog = load_catalog(finished)
    predictions = catalog.load(f"modeling.{backbone}.covid_weight_2.predictions")
    classifier = catalog.load(f"modeling.{backbone}.covid_weight_2.classifier")
    index = catalog.load("radiograph_index")
    splits = catalog.load("splits").set_index("image_id")
    assert (splits.loc[predictions["image_id"], "split"].to_numpy() == predictions["split"]).all()
    rows = index.reset_index().set_index("image_id").loc[predictions["image_id"], "index"]
    pixels = catalog.load("images")[rows.to_numpy()][..., None].astype("float32")
    expected = np.asarray(classifier(pixels, training=False))
    np.testing.assert_allclose(predictions[COLUMNS], expected, atol=1e-4)
    best = np.array(CLASSES)[expected.argmax(axis=1)]
    assert (predictions["predicted"] == best).mean() > 0.95  # ties aside


@pytest.mark.slow
def test_held_out_radiographs_are_the_kept_originals_of_their_splits(finished, load_catalog):
    catalog = load_catalog(finished)
    splits = catalog.load("splits")
    held_out = sorted(splits.loc[splits["kept"] & (splits["split"] != "train"), "image_id"])
    predictions = catalog.load("modeling.mobilenet.covid_weight_1.predictions")
    assert sorted(predictions["image_id"]) == held_out
    for experiment in ("augmentation", "laplacian", "preprocessing"):
        table = catalog.load(f"{experiment}_predictions")
        for run, of_run in table.groupby("run"):
            # Phantoms have masks for most radiographs, not for all.
            if run in ("masks", "masked"):
                assert set(of_run["image_id"]) <= set(held_out)
            else:
                assert sorted(of_run["image_id"]) == held_out, (experiment, run)


@pytest.mark.slow
def test_features_follow_the_rows_of_the_variant_and_say_what_they_are(finished, load_catalog):
    catalog = load_catalog(finished)
    rows = select_variant(catalog.load("study_variants"), "balanced_augmented")
    features = catalog.load("modeling.mobilenet.trunk_features")
    assert len(features.rows) == len(rows)
    assert features.key["backbone"] == "mobilenet"
    assert features.key["input_side"] == 32


@pytest.mark.slow
def test_another_training_of_the_grid_gives_the_same_table_byte_for_byte(
    finished, run_kedro, caplog
):
    """Features of unchanged images are used again; weights and folds never change them."""
    table = finished / TABLES / "table_5.csv"
    before = table.read_bytes()
    nodes = [f"modeling.{name}.extract_trunk_features" for name in BACKBONES]
    # Another order than before: no model depends on those that were trained earlier.
    trained = [
        f"modeling.{backbone}.{weights}.train_classifier"
        for backbone in ("mobilenet", "resnet50v2")
        for weights in ("covid_weight_3", "covid_weight_1")
    ]
    with caplog.at_level(logging.INFO):
        run_kedro(finished, "modeling", node_names=nodes)
        assert caplog.text.count("is up to date") == len(BACKBONES)
        for name in trained:
            run_kedro(finished, "modeling", node_names=[name])
    run_kedro(finished, "reporting")
    assert table.read_bytes() == before


@pytest.mark.slow
def test_what_is_missing_is_made_again_and_nothing_else(finished, run_kedro, caplog):
    table = finished / TABLES / "table_5.csv"
    predictions = finished / OUTPUTS / "mobilenet/covid_weight_3/predictions.csv"
    before = {path: path.read_bytes() for path in (table, predictions)}
    for path in before:
        path.unlink()
    with caplog.at_level(logging.INFO):
        run_kedro(finished, only_missing_outputs=True)
    assert {path: path.read_bytes() for path in before} == before
    assert "Running 2 out of " in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        run_kedro(finished, only_missing_outputs=True)
    assert "Skipping all " in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"modeling": {"transfer": {"input_side": 40}}}, "input_side"),
        ({"modeling": {"transfer": {"feature_dtype": "float16"}}}, "dtype"),
        ({"modeling": {"transfer": {"variant": "balanced"}}}, "images"),
        ({"modeling": {"transfer": {"seed": 5}}}, "weights"),
    ],
)
def test_a_changed_parameter_never_trains_on_the_features_of_another(
    finished, run_kedro, change, named
):
    classifier = finished / "data/06_models/phantom_study/mobilenet/covid_weight_1/classifier.keras"
    before = classifier.read_bytes()
    with pytest.raises(ValueError, match=f"computed from other values of .*{named}"):
        run_kedro(
            finished,
            "modeling",
            params=change,
            node_names=["modeling.mobilenet.covid_weight_1.train_classifier"],
        )
    assert classifier.read_bytes() == before


# Loads a classifier where this project can't be imported, and predicts an image.
LOAD = """
import importlib.abc, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "covid_xray":
            raise ImportError("this project was imported")
sys.meta_path.insert(0, Refuse())
import keras, numpy as np
pixels = np.load(sys.argv[1])
for path in sys.argv[2:]:
    model = keras.saving.load_model(path, safe_mode=True)
    print("probabilities", *np.asarray(model(pixels, training=False))[0])
"""


@pytest.mark.slow
def test_classifiers_load_in_safe_mode_in_a_process_without_this_project(
    finished, load_catalog, tmp_path
):
    catalog = load_catalog(finished)
    predictions = [
        catalog.load(f"modeling.{name}.covid_weight_1.predictions").iloc[0] for name in BACKBONES
    ]
    index = catalog.load("radiograph_index")["image_id"]
    row = int(np.flatnonzero(index == predictions[0]["image_id"])[0])
    pixels = catalog.load("images")[row : row + 1][..., None].astype("float32")
    np.save(tmp_path / "radiograph.npy", pixels)
    models = [
        str(finished / f"data/06_models/phantom_study/{name}/covid_weight_1/classifier.keras")
        for name in BACKBONES
    ]
    command = [sys.executable, "-c", LOAD, str(tmp_path / "radiograph.npy"), *models]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("probabilities")]
    printed = [[float(value) for value in line.split()[1:]] for line in lines]
    np.testing.assert_allclose(
        printed, [row[COLUMNS].to_numpy(dtype=float) for row in predictions], atol=1e-4
    )


@pytest.mark.slow
def test_an_exported_classifier_predicts_what_the_keras_model_does(
    finished, run_kedro, load_catalog
):
    assert importlib.util.find_spec("tensorflow"), "LiteRT models are run by TensorFlow here"
    import keras
    import tensorflow as tf

    run_kedro(finished, "export", node_names=["export_mobilenet_covid_weight_1"])
    catalog = load_catalog(finished)
    content = catalog.load("export.mobilenet.covid_weight_1.lite_classifier")
    classifier = catalog.load("modeling.mobilenet.covid_weight_1.classifier")
    radiograph = catalog.load("images")[:1][..., None].astype("float32")
    resized = keras.ops.convert_to_numpy(classifier.get_layer("resizing")(radiograph))
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], resized)
    interpreter.invoke()
    lite = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(lite, classifier(radiograph, training=False), atol=1e-4)
