"""The pipeline `screening` in memory, on drawings of three classes."""

from io import BytesIO

import cv2
import numpy as np
import pandas as pd
import pytest
from kedro.runner import SequentialRunner

from covid_xray.absence import NotMade
from covid_xray.datasets import KerasModelsDataset, RunStoreDataset
from covid_xray.datasets.catalog import StudyCatalog
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.screening_scores import SCREENING_SCORES
from covid_xray.imaging.augmentation import Augmentation
from covid_xray.imaging.equalisation import EqualisationSettings
from covid_xray.models.screening import (
    ALL_CLASSES,
    ANSWERS,
    CLASSICAL,
    NAIVE,
    networks_of,
    one_against_rest,
    parts_of_answers,
)
from covid_xray.models.settings import UNetSettings
from covid_xray.phantom.drawing import draw_radiograph
from covid_xray.pipelines.screening import create_pipeline
from covid_xray.pipelines.screening.parameters import ScreeningParameters
from covid_xray.training.settings import TrainingSettings
from support.memory import KeptDataset, catalog_entries, published, schema_of

pytestmark = pytest.mark.slow

CLASSES = ["COVID", "Lung_Opacity", "Normal"]
SIDE, OF_EACH = 64, 10
TRAINING = TrainingSettings(learning_rate=1e-2, batch_size=6, epochs=2, patience=2, seed=1)
SCREENING = ScreeningParameters(
    equalisation=EqualisationSettings(method="global"),
    input_side=32,
    weights="none",
    cnn={"filters": [4], "dense": 4, "dropout": 0.5},
    xception={
        "architecture": "MobileNet",
        "cut_layer": 8,
        "trainable_layers": 2,
        "filters": [4],
        "dense": 4,
        "dropout": 0.5,
    },
    views={"flips": True, "rotation": 0.1},
    training={"cnn": TRAINING, "xception": TRAINING},
    wanted_sensitivity=0.95,
    examples_per_class=2,
    seed=1,
)
UNET = UNetSettings(
    filters=[4, 8],
    learning_rate=1e-2,
    batch_size=4,
    epochs=1,
    patience=1,
    augmentation=Augmentation(rotation=0, zoom=0, shift=0, gamma=0, flip=False),
    seed=3,
)


def study():
    """Ten radiographs a class, one of them a duplicate that is not kept, as Kedro would give."""
    from covid_xray.models.unet import build_unet, predict_masks

    labels = np.repeat(CLASSES, OF_EACH).tolist()
    images = np.stack(
        [
            draw_radiograph(label, np.random.default_rng(k), SIDE)[0]
            for k, label in enumerate(labels)
        ]
    )
    splits = pd.DataFrame({"label": labels})
    splits["image_id"] = splits["group_id"] = [f"{label}-{k}" for k, label in enumerate(labels)]
    splits["split"] = (["train"] * 5 + ["validation"] * 2 + ["test"] * 2 + [None]) * len(CLASSES)
    unet = build_unet(UNET, SIDE)
    ((masks, _),) = predict_masks(unet, images, np.arange(len(images)), len(images))
    return {
        "images": images,
        "splits": splits.assign(kept=splits["split"].notna()),
        "unet": unet,
        "predicted_masks": masks,
        "params:screening": SCREENING,
        "params:intervals": Intervals(n_resamples=100, confidence=0.95, seed=1),
        **published(),
    }


def run_on(given, folder):
    """The catalog after a run."""
    pipeline = create_pipeline()
    made = {name: KeptDataset() for name in pipeline.all_outputs()}
    on_disk = {
        "screening_classifiers": RunStoreDataset(filepath=str(folder / "runs")),
        "screening_models": KerasModelsDataset(filepath=str(folder / "models")),
    }
    datasets = {name: KeptDataset(data) for name, data in given.items()}
    catalog = StudyCatalog(made | datasets | on_disk)
    SequentialRunner().run(pipeline, catalog)
    return catalog


@pytest.fixture(scope="module")
def given():
    return study()


@pytest.fixture(scope="module")
def catalog(given, tmp_path_factory):
    return run_on(given, tmp_path_factory.mktemp("screening"))


def test_a_box_of_few_elements_ends_in_a_page_and_in_models():
    pipeline = create_pipeline()
    assert {node.namespace.split(".")[0] for node in pipeline.nodes} == {"screening"}
    boxes = {".".join(node.namespace.split(".")[:2]) for node in pipeline.nodes}
    alone = [node for node in pipeline.nodes if node.namespace == "screening"]
    assert len(boxes - {"screening"}) + len(alone) <= 20
    assert pipeline.outputs() == {"screening_page", "screening_models"}
    assert not [name for name in pipeline.datasets() if "." in name.removeprefix("params:")]


def check_schemas(catalog):
    """Hold the tables to their schemas; gives the names of those that were made."""
    made = create_pipeline().all_outputs()
    schemas = {k: schema_of(entry) for k, entry in catalog_entries().items() if k in made}
    tables = {name: catalog.load(name) for name, schema in schemas.items() if schema is not None}
    there = [name for name, table in tables.items() if not isinstance(table, NotMade)]
    for name in there:
        schemas[name].validate(tables[name])
    return there


def test_tables_keep_to_their_schemas(catalog):
    assert len(check_schemas(catalog)) >= 7


def absent(catalog):
    outputs = create_pipeline().all_outputs()
    return {name for name in outputs if isinstance(catalog.load(name), NotMade)}


@pytest.fixture(scope="module")
def unmasked(given, tmp_path_factory):
    """The catalog after a run on a study without lung masks."""
    given = given | dict.fromkeys(("unet", "predicted_masks"), NotMade("there are no masks."))
    return run_on(given, tmp_path_factory.mktemp("unmasked"))


def test_without_lung_masks_the_naive_network_alone_is_trained_and_scored(unmasked):
    runs = unmasked.load("screening_runs").set_index("run")
    assert list(runs.index[runs["note"] == ""]) == [NAIVE]
    assert set(runs["note"]) == {"", "not trained: there are no masks."}
    compared = unmasked.load("screening_comparison").set_index("model")
    assert compared.index.tolist() == list(ANSWERS)
    assert compared["accuracy"].notna().tolist() == [name == NAIVE for name in ANSWERS]
    assert (compared["note"] == "").tolist() == [name == NAIVE for name in ANSWERS]
    assert unmasked.load("operating_points")["model"].tolist() == [NAIVE]
    assert {"screening_comparison", "operating_points", "class_proportions"} <= {
        *check_schemas(unmasked)
    }
    assert {"screening_models", "classical_predictions", "lung_attribution"} < absent(unmasked)


def test_without_lung_masks_the_page_shows_what_there_is_and_says_what_is_not(unmasked):
    page = unmasked.load("screening_page")
    assert "| naive CNN, unmasked | " in page
    assert "- model CNN from scratch, truncated Xception, " in page
    assert "## Lung attribution\n\nNot made: there are no masks." in page
    assert "`masked_examples_figure`: not made: there are no masks." in page


@pytest.mark.thorough
def test_without_covid_every_class_is_told_from_the_rest_and_from_all(given, tmp_path):
    splits = given["splits"].replace("COVID", "Flu")
    catalog = run_on(given | {"splits": splits}, tmp_path)
    assert catalog.load("screening_runs")["target"].dropna().tolist() == [
        "Flu",
        "Lung_Opacity",
        "Normal",
    ]
    assert set(catalog.load("screening_answers")["run"]) == set(ALL_CLASSES)
    for name in check_schemas(catalog):
        assert not [column for column in catalog.load(name) if "covid" in column.lower()]
    assert {"screening_comparison", "operating_points", "lung_attribution"} < absent(catalog)
    told = "Not made: the study has no class COVID, which is told from the rest."
    assert catalog.load("screening_page").count(told) == 4
    assert "all_classes_confusion_matrices" not in absent(catalog)


def test_one_class_leaves_nothing_to_tell_apart(given, tmp_path):
    splits = given["splits"].assign(label="COVID")
    catalog = run_on(given | {"splits": splits}, tmp_path)
    made = create_pipeline().all_outputs() - absent(catalog)
    assert made == {"equalised_images", "grey_levels_figure", "masked_examples_figure"}
    assert "one class, COVID" in catalog.load("screening_page").reason


def test_equalised_radiographs_are_opencvs(catalog):
    images, equalised = catalog.load("images"), catalog.load("equalised_images")
    for before, after in zip(images, equalised, strict=True):
        np.testing.assert_array_equal(after, cv2.equalizeHist(before))


def test_every_run_and_answer_predicts_all_that_is_held_out(catalog):
    splits = catalog.load("splits")
    held_out = sorted(splits.loc[splits["split"].isin(["validation", "test"]), "image_id"])
    for name, runs in (
        ("screening_predictions", list(networks_of(CLASSES))),
        ("screening_answers", list(ANSWERS)),
    ):
        table = catalog.load(name)
        assert table["run"].unique().tolist() == runs
        for run, own in table.groupby("run"):
            assert sorted(own["image_id"]) == held_out, run
            probabilities = own.filter(like="probability_").dropna(axis=1, how="all")
            np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
            best = probabilities.idxmax(axis=1).str.removeprefix("probability_")
            assert own["predicted"].tolist() == best.tolist()


def test_all_classes_answers_know_every_class_others_two(catalog):
    for run, own in catalog.load("screening_answers").groupby("run"):
        columns = own.filter(like="probability_").dropna(axis=1, how="all").columns
        classes = [column.removeprefix("probability_") for column in columns]
        assert sorted(classes) == (CLASSES if run in ALL_CLASSES else ["COVID", "non-COVID"])


def test_runs_say_what_was_asked_of_each(catalog):
    runs = catalog.load("screening_runs").set_index("run")
    for name, network in networks_of(CLASSES).items():
        assert runs.loc[name, "backbone"] == runs.loc[name, "architecture"] == network.architecture
        assert runs.loc[name, "masked"] == network.masked
        assert runs.loc[name, "target"] == network.target or network.target is None
    assert one_against_rest(runs.reset_index()) == {
        "cnn": "COVID",
        "cnn_lung_opacity": "Lung_Opacity",
        "cnn_normal": "Normal",
    }


def test_the_mask_in_the_deployed_graph_is_the_predicted_one(catalog):
    import keras

    images, masks = catalog.load("images"), catalog.load("predicted_masks")
    extractor = catalog.load("screening_models")["cnn"].get_layer("lung_extractor")
    outputs = [extractor.get_layer("lung_mask").output, extractor.output]
    inside = keras.Model(extractor.inputs, outputs)
    found, lungs = inside.predict_on_batch(images[..., None].astype(np.float32))
    np.testing.assert_array_equal(found[..., 0], masks)
    np.testing.assert_array_equal(lungs[..., 0], catalog.load("equalised_images") * masks)


@pytest.mark.parametrize("name", ["cnn", "xception", "cnn_all_classes"])
def test_a_deployed_model_gives_the_catalogued_predictions(catalog, name):
    splits, images = catalog.load("splits"), catalog.load("images")
    table = catalog.load("screening_predictions").query("run == @name").dropna(axis=1, how="all")
    row_of = pd.Series(splits.index, index=splits["image_id"])
    pixels = images[row_of[table["image_id"]].to_numpy()][..., None].astype(np.float32)
    deployed = catalog.load("screening_models")[name]
    np.testing.assert_allclose(
        deployed.predict_on_batch(pixels), table.filter(like="probability_"), atol=1e-4
    )


def test_the_naive_network_is_not_deployed_behind_the_u_net(catalog):
    networks = networks_of(CLASSES)
    assert set(catalog.load("screening_models")) == {k for k, v in networks.items() if v.masked}


def test_proportions_are_those_of_training_and_even_in_batches(catalog):
    table = catalog.load("class_proportions").set_index("question")
    assert table.loc["All classes", "n_radiographs"].tolist() == [5] * 6
    two = table.loc["COVID and the rest"].set_index(["sampling", "label"])["share"]
    assert two["as they are", "COVID"] == pytest.approx(1 / 3)
    assert two["in balanced batches"].tolist() == [0.5, 0.5]


def test_the_comparison_has_every_answer_with_its_costs(catalog):
    table = catalog.load("screening_comparison").set_index("model")
    costs = catalog.load("screening_costs").set_index("part")
    assert list(table.index) == list(ANSWERS)
    for score in SCREENING_SCORES:
        assert (table[f"{score}_low"] <= table[f"{score}_high"]).all()
        assert table[score].between(0, 1).all()
    voters = one_against_rest(catalog.load("screening_runs"))
    for name, parts in parts_of_answers(voters).items():
        assert table.loc[name, "parameters"] == costs.loc[list(parts), "parameters"].sum()
        assert table.loc[name, "ms_per_image"] > 0


def test_the_comparison_stands_beside_the_published(catalog):
    table = catalog.load("screening_comparison").set_index("model")
    assert table.loc["cnn", "accuracy_published"] == pytest.approx(0.953)
    assert table.loc["xception", "recall_published"] == pytest.approx(0.93)
    assert table.loc["xception", "file_megabytes_published"] == pytest.approx(90.4)
    assert table.drop(index=["cnn", "xception"])["accuracy_published"].isna().all()


def test_accuracy_of_the_comparison_is_that_of_the_answers(catalog):
    table = catalog.load("screening_comparison").set_index("model")
    test = catalog.load("screening_answers").query("split == 'test'")
    right = (test["predicted"] == "COVID") == (test["label"] == "COVID")
    shares = right.groupby(test["run"]).mean()
    pd.testing.assert_series_equal(
        table["accuracy"].sort_index(), shares, check_names=False, check_index_type=False
    )


def test_reports_add_up_beside_the_published(catalog):
    reports = catalog.load("screening_reports").set_index(["model", "label"])
    assert reports.loc[("cnn", "COVID"), "support_published"] == 180
    assert reports.loc[("xception", "non-COVID"), "f1_score_published"] == pytest.approx(0.99)
    test = catalog.load("screening_predictions").query("run == 'cnn' and split == 'test'")
    assert reports.loc["cnn", "support"].to_dict() == test["label"].value_counts().to_dict()
    covid = test[test["label"] == "COVID"]
    recall = (covid["predicted"] == "COVID").mean()
    assert reports.loc[("cnn", "COVID"), "recall"] == pytest.approx(recall)


def test_thresholds_are_chosen_on_validation_and_judged_on_test(catalog):
    points = catalog.load("operating_points").set_index("model")
    assert list(points.index) == list(ANSWERS)
    assert (points["validation_sensitivity"] >= points["wanted_sensitivity"]).all()
    rest = catalog.load("screening_answers").query("split == 'test' and label != 'COVID'")
    for run, own in rest.groupby("run"):
        below = own["probability_COVID"].astype(float) < points.loc[run, "threshold"]
        assert points.loc[run, "specificity"] == pytest.approx(below.mean())


def test_lung_attribution_is_of_all_test_radiographs(catalog):
    table = catalog.load("lung_attribution")
    assert table["model"].unique().tolist() == ["cnn", "xception", "naive_cnn"]
    splits, masks = catalog.load("splits"), catalog.load("predicted_masks")
    areas = np.sort(masks[splits.index[splits["split"] == "test"]].mean(axis=(1, 2)))
    for row in table[table["label"] == "all"].itertuples():
        assert row.n == len(areas)
        # The mean area of those with evidence, between that of as many small and large lungs.
        seen = row.n - row.n_without_evidence
        assert seen > 0
        assert areas[:seen].mean() - 1e-6 <= row.lung_area <= areas[-seen:].mean() + 1e-6


def test_classical_classifiers_give_the_catalogued_predictions(catalog):
    fitted, features = (
        catalog.load(name) for name in ("classical_classifiers", "convolution_features")
    )
    splits, answers = catalog.load("splits"), catalog.load("screening_answers")
    row_of = pd.Series(splits.index, index=splits["image_id"])
    for name in CLASSICAL:
        table = answers[answers["run"] == name]
        sure = fitted[name].predict_proba(features[row_of[table["image_id"]].to_numpy()])
        place = list(fitted[name].classes_).index("COVID")
        np.testing.assert_allclose(sure[:, place], table["probability_COVID"], rtol=1e-6)


def test_the_page_has_every_answer_and_warns_of_random_weights(catalog):
    page = catalog.load("screening_page")
    for row in catalog.load("screening_comparison").to_dict("records"):
        assert f"| {row['title']} | {row['accuracy']:.1%} [" in page
    for words in ("(95.3%)", "(97.8%)", "(illegible)", "random weights", "screening_curves"):
        assert words in page


def test_figures_are_drawn(catalog):
    names = {name for name in create_pipeline().all_outputs() if "figure" in name}
    names |= {f"screening_{of}" for of in ("learning_curves", "curves", "grad_cam", "confidence")}
    names |= {"screening_confusion_matrices", "all_classes_confusion_matrices"}
    for name in sorted(names | {"all_classes_confidence"}):
        picture = BytesIO()
        catalog.load(name).savefig(picture)
        pixels = cv2.imdecode(np.frombuffer(picture.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
        assert pixels.std() > 5, name
