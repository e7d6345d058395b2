"""The pipeline `modeling`: a backbone's box in memory, its comparison, and the finished project."""

import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from covid_xray.models.backbone import BACKBONES
from covid_xray.pages import NO_WEIGHTS_NOTE
from covid_xray.pipelines.modeling.nodes import (
    class_weights_of,
    compare_models,
    write_modeling_page,
)
from covid_xray.pipelines.modeling.parameters import Figure14Parameters
from covid_xray.pipelines.modeling.pipeline import backbone_box, create_pipeline
from covid_xray.studies.variants import select_variant
from covid_xray.training.runs import join_runs
from support.project import ROOT
from support.runs import ARRAYS, HELD_OUT, INTERVALS, PROBABILITIES, ROWS, run_on_study

pytestmark = pytest.mark.slow

PUBLISHED_5 = pd.read_csv(ROOT / "data/01_raw/published/table_5_model_comparison.csv")
ALL_CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
MODELS = "data/06_models/phantom_study"
OUTPUTS = "data/07_model_output/phantom_study"
TABLES = "data/08_reporting/phantom_study"
WEIGHTS = {"covid_weight_1": {"COVID": 1}, "covid_weight_2": {"COVID": 2}}
FIGURE_14 = Figure14Parameters(backbone="mobilenet", class_weights={"covid_weight_9": {"COVID": 9}})
PARAMETERS = {"params:modeling.class_weights": WEIGHTS, "params:modeling.figure_14": FIGURE_14}
BOX = backbone_box(BACKBONES[0])
FIGURES = ("learning_curves", "confusion_matrices", "confidence", "grad_cam")


def test_a_backbone_is_a_box_with_one_pass_through_its_trunk():
    names = [node.name for node in create_pipeline().nodes]
    assert [b.id for b in BACKBONES] == ["mobilenet", "efficientnetb0", "resnet50v2", "vgg19"]
    for backbone in BACKBONES:
        box = [name for name in names if name.startswith(f"modeling.{backbone.id}.")]
        assert box.count(f"modeling.{backbone.id}.extract_activations") == 1
        assert box.count(f"modeling.{backbone.id}.train_classifiers") == 1
        assert len(box) <= 20


def test_modeling_needs_data_engineering_alone_and_ends_with_table_5():
    pipeline = create_pipeline()
    given = {name for name in pipeline.inputs() if not name.startswith("params:")}
    assert given == {
        "images",
        "augmented_images",
        "study_variants",
        "radiograph_index",
        "published_table_5",
    }
    assert {"table_5", "figure_14_scores", "figure_14_class_weights"} <= pipeline.all_outputs()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("modeling")


@pytest.fixture(scope="module")
def catalog(tiny_backbones, folder):
    """A catalog after the box of one backbone, a tiny one, was run."""
    return run_on_study(folder, BOX, **PARAMETERS)


def test_a_backbone_is_trained_under_each_class_weight(catalog):
    runs = catalog.load("mobilenet_runs")
    assert runs["run"].tolist() == ["covid_weight_1", "covid_weight_2", "covid_weight_9"]
    assert runs["weight_COVID"].tolist() == [1, 2, 9]
    assert (runs["backbone"] == "mobilenet").all() and (runs["note"] == "").all()
    assert (runs["variant"] == "balanced_augmented").all()
    histories = catalog.load("mobilenet_histories")
    assert histories.groupby("run").size().to_dict() == dict.fromkeys(runs["run"], 2)


def test_predictions_are_those_of_the_kept_classifiers(catalog):
    classifiers, predictions = (
        catalog.load(f"mobilenet_{name}") for name in ("classifiers", "predictions")
    )
    pixels = ARRAYS["images"][HELD_OUT["row"]][..., None].astype("float32")
    for run, table in predictions.groupby("run"):
        assert table["image_id"].tolist() == HELD_OUT["image_id"].tolist()
        expected = np.asarray(classifiers[run](pixels, training=False))
        np.testing.assert_allclose(table[PROBABILITIES], expected, atol=1e-4)
    by_run = predictions.groupby("run")["probability_COVID"]
    assert len({tuple(of_run) for _, of_run in by_run}) == 3, "two runs were trained alike"


def test_activations_follow_the_rows_of_the_variant(catalog):
    activations = catalog.load("mobilenet_activations")
    assert len(activations.rows) == len(select_variant(ROWS, "balanced_augmented"))
    assert activations.record["input_side"] == 32


def test_scores_and_figures_show_table_5s_runs_alone(catalog):
    for name in ("class_scores", "confusion", "overfitting"):
        assert set(catalog.load(f"mobilenet_{name}")["run"]) == set(WEIGHTS)
    for name in FIGURES:
        figure = catalog.load(f"mobilenet_{name}")
        text = " ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))
        assert "COVID weight 2" in text.replace("\n", " ")
        assert "COVID weight 9" not in text.replace("\n", " ")


def test_training_again_gives_the_same_bytes(catalog, folder):
    """From the activations that are there; also without the runs that went before."""
    kept = folder / "mobilenet_classifiers/covid_weight_2"
    names = ("run.json", "history.parquet", "predictions.parquet", "record.json")
    before = {name: (kept / name).read_bytes() for name in names}
    activations = (folder / "mobilenet_activations.npy").stat().st_mtime_ns
    alone = {"params:modeling.class_weights": {"covid_weight_2": {"COVID": 2}}}
    run_on_study(folder, BOX.only_nodes("mobilenet.train_classifiers"), **PARAMETERS | alone)
    assert {name: (kept / name).read_bytes() for name in names} == before
    assert (folder / "mobilenet_activations.npy").stat().st_mtime_ns == activations
    run_on_study(folder, BOX.only_nodes("mobilenet.train_classifiers"), **PARAMETERS)


def test_figure_14s_backbone_alone_has_its_further_weights():
    mobilenet, other = BACKBONES[0], BACKBONES[1]
    assert class_weights_of(other, WEIGHTS, FIGURE_14) == WEIGHTS
    assert list(class_weights_of(mobilenet, WEIGHTS, FIGURE_14)) == [*WEIGHTS, "covid_weight_9"]
    unknown = FIGURE_14.model_copy(update={"backbone": "alexnet"})
    with pytest.raises(ValueError, match=r"figure_14\.backbone is 'alexnet'; .* mobilenet, "):
        class_weights_of(mobilenet, WEIGHTS, unknown)


@pytest.fixture(scope="module")
def compared(catalog):
    """Table 5, Figure 14's scores and its figure of two backbones, the second a copy."""
    tables = {}
    for kind in ("runs", "predictions"):
        own = catalog.load(f"mobilenet_{kind}")
        of_table_5 = own[own["run"].isin(list(WEIGHTS))]
        tables |= {f"mobilenet_{kind}": own, f"vgg19_{kind}": of_table_5.assign(backbone="vgg19")}
    return compare_models(*join_runs(**tables), PUBLISHED_5, WEIGHTS, FIGURE_14, INTERVALS)


def test_table_5_joins_backbones_under_the_reports_names(compared):
    table, *_ = compared
    keys = table[["backbone", "covid_weight"]].to_numpy().tolist()
    assert keys == [["MobileNet", 1], ["MobileNet", 2], ["VGG19", 1], ["VGG19", 2]]
    assert (table["n_train"] == 12).all() and (table["n_test"] == 6).all()
    assert table["f1_score_published"].notna().all()


def test_figure_14_is_drawn_from_its_table(compared):
    _, table, figure = compared
    assert table["covid_weight"].tolist() == [1, 2, 9]
    assert (table["backbone"] == "MobileNet").all()
    lines = [line.get_xydata() for line in figure.axes[0].get_lines()]
    drawn = [y for line in lines for x, y in line if abs(x - 9) < 0.5]
    for score in ("recall_covid", "precision_covid", "f1_score_covid", "f1_score"):
        assert any(y == pytest.approx(table[score][2]) for y in drawn), score


def page_of(compared, **changes):
    table_5, figure_14_scores, figure = compared
    pages = {f"{backbone.id}_page": f"# {backbone.report_name}\n" for backbone in BACKBONES}
    return write_modeling_page(table_5.assign(**changes), figure_14_scores, figure, **pages)


def test_the_page_leads_to_the_page_of_every_backbone(compared):
    page = page_of(compared)
    headings = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert headings[0].startswith("Table 5") and headings[1].startswith("Figure 14")
    assert "Of MobileNet." in page
    for name, file in (("MobileNet", "mobilenet"), ("ResNet", "resnet50v2"), ("VGG19", "vgg19")):
        assert f"- [{name}]({file}_page.md)" in page
    assert "nan" not in page


def test_a_backbones_page_has_its_scores_and_figures(catalog):
    page = catalog.load("mobilenet_page")
    assert page.startswith("# MobileNet\n")
    assert "| covid_weight_2 | COVID | recall |" in page
    assert "covid_weight_9" not in page
    for name in FIGURES:
        assert f"[{name}]" in page


def test_the_page_sets_the_published_figures_in_brackets(compared):
    known = {"f1_score": 0.9, "f1_score_low": 0.85, "f1_score_high": 0.95}
    page = page_of(compared, **known, f1_score_published=0.987)
    assert "90.0% [85.0-95.0] (98.7%)" in page
    assert "| MobileNet | 2 | none | 12 | 6 |" in page


@pytest.mark.parametrize(("weights", "warned"), [("none", True), ("imagenet", False)])
def test_the_page_warns_of_random_weights(compared, weights, warned):
    assert (NO_WEIGHTS_NOTE in page_of(compared, weights=weights)) == warned


def test_table_5_has_twelve_rows_with_the_published_parameters(finished, load_catalog):
    catalog = load_catalog(finished)
    table = catalog.load("table_5")
    keys = ["backbone", "covid_weight", "trainable_params"]
    assert table[keys].to_numpy().tolist() == PUBLISHED_5[keys].to_numpy().tolist()
    assert (table["weights"] == "none").all()
    assert catalog.load("figure_14_scores")["covid_weight"].tolist() == list(range(1, 13))
    page = catalog.load("modeling_page")
    for count in ("2,659,076", "741,124", "8,144,388", "2,361,860"):
        assert f"{count} ({count})" in page


@pytest.mark.parametrize("backbone", [backbone.id for backbone in BACKBONES])
def test_saved_classifiers_give_the_catalogued_predictions(finished, load_catalog, backbone):
    catalog = load_catalog(finished)
    predictions = catalog.load(f"{backbone}_predictions")
    predictions = predictions[predictions["run"] == "covid_weight_2"]
    classifier = catalog.load(f"{backbone}_classifiers")["covid_weight_2"]
    rows = catalog.load("radiograph_index").reset_index().set_index("image_id")
    numbers = rows.loc[predictions["image_id"], "index"].to_numpy()
    pixels = catalog.load("images")[numbers][..., None].astype("float32")
    expected = np.asarray(classifier(pixels, training=False))
    columns = [f"probability_{name}" for name in ALL_CLASSES]
    np.testing.assert_allclose(predictions[columns], expected, atol=1e-4)
    best = np.array(ALL_CLASSES)[expected.argmax(axis=1)]
    assert (predictions["predicted"] == best).mean() > 0.95  # ties aside


def test_held_out_are_the_kept_originals_of_their_splits(finished, load_catalog):
    catalog = load_catalog(finished)
    splits = catalog.load("splits").set_index("image_id")
    held_out = splits[splits["kept"] & (splits["split"] != "train")]
    predictions = catalog.load("classifier_predictions")
    for key, table in predictions.groupby(["backbone", "run"]):
        assert sorted(table["image_id"]) == sorted(held_out.index), key
        assert (splits.loc[table["image_id"], "split"].to_numpy() == table["split"]).all()


def test_what_is_missing_is_made_again_and_nothing_else(finished_copy, run_kedro, caplog):
    table = finished_copy / TABLES / "table_5.csv"
    predictions = finished_copy / OUTPUTS / "mobilenet_predictions.csv"
    run = finished_copy / MODELS / "mobilenet/covid_weight_3/history.parquet"
    other = finished_copy / MODELS / "mobilenet/covid_weight_1/history.parquet"
    made = other.stat().st_mtime_ns
    before = {path: path.read_bytes() for path in (table, predictions, run)}
    for path in (table, predictions):
        path.unlink()
    (run.parent / "record.json").unlink()
    with caplog.at_level(logging.INFO):
        run_kedro(finished_copy, "modeling", only_missing_outputs=True)
    assert {path: path.read_bytes() for path in before} == before
    assert other.stat().st_mtime_ns == made
    # The lacking run, the tables of its backbone, and Table 5.
    assert "Running 3 out of " in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        run_kedro(finished_copy, "modeling", only_missing_outputs=True)
    assert "Skipping all " in caplog.text


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"modeling": {"transfer": {"input_side": 40}}}, "transfer.input_side 32 -> 40"),
        (
            {"modeling": {"transfer": {"variant": "balanced"}}},
            "transfer.variant balanced_augmented -> balanced",
        ),
    ],
)
def test_other_parameters_never_train_on_these_activations(finished_copy, run_kedro, change, named):
    kept = finished_copy / MODELS / "mobilenet/covid_weight_1/classifier.keras"
    before = kept.read_bytes()
    with pytest.raises(ValueError, match=f"mobilenet_activations: parameters.modeling.{named}"):
        run_kedro(
            finished_copy,
            "modeling",
            params=change,
            node_names=["modeling.mobilenet.train_classifiers"],
        )
    assert kept.read_bytes() == before


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


def test_classifiers_load_in_safe_mode_without_this_project(finished, load_catalog, tmp_path):
    catalog = load_catalog(finished)
    predictions = catalog.load("classifier_predictions")
    of_first = predictions[predictions["run"] == "covid_weight_1"].groupby("backbone").first()
    index = catalog.load("radiograph_index")["image_id"]
    row = int(np.flatnonzero(index == of_first["image_id"].iloc[0])[0])
    pixels = catalog.load("images")[row : row + 1][..., None].astype("float32")
    np.save(tmp_path / "radiograph.npy", pixels)
    models = [
        str(finished / MODELS / name / "covid_weight_1/classifier.keras") for name in of_first.index
    ]
    command = [sys.executable, "-c", LOAD, str(tmp_path / "radiograph.npy"), *models]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("probabilities")]
    printed = [[float(value) for value in line.split()[1:]] for line in lines]
    columns = [f"probability_{name}" for name in ALL_CLASSES]
    np.testing.assert_allclose(printed, of_first[columns], atol=1e-4)
