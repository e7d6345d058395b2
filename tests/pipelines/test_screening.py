"""The pipeline `screening`, in a finished project, and its nodes on planted data."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pandas as pd
import pytest
from covid_xray.pipelines.screening.grid import (
    ANSWERS,
    CLASSICAL,
    FOUR_CLASSES,
    MODELS,
    ONE_AGAINST_REST,
)
from covid_xray.pipelines.screening.questions import rows_of_question
from covid_xray.pipelines.screening.voting import vote_one_against_rest, vote_softly

from covid_xray.evaluation.screening_scores import SCREENING_SCORES

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


@pytest.fixture(scope="module")
def catalog(finished, load_catalog):
    return load_catalog(finished)


def of_model(catalog, name, output):
    return catalog.load(f"screening.{name}.{output}")


# Questions


def small_splits():
    return pd.DataFrame(
        {
            "image_id": [f"i{number}" for number in range(6)],
            "label": ["COVID", "Normal", "Lung_Opacity", "COVID", "Normal", "Viral Pneumonia"],
            "split": ["train", "train", "test", None, "validation", "test"],
            "kept": [True, True, True, False, True, True],
        }
    )


def test_a_question_is_put_to_the_radiographs_that_are_kept():
    rows = rows_of_question(small_splits(), "COVID")
    assert rows["row"].tolist() == [0, 1, 2, 4, 5]
    assert rows["label"].tolist() == ["COVID", *["non-COVID"] * 4]
    every = rows_of_question(small_splits(), None)
    assert every["label"].tolist() == [
        "COVID", "Normal", "Lung_Opacity", "Normal", "Viral Pneumonia"
    ]  # fmt: skip


def test_a_question_after_a_class_that_the_study_lacks_is_refused():
    with pytest.raises(ValueError, match="No radiograph is of class 'Flu'.*COVID, Lung_Opacity"):
        rows_of_question(small_splits(), "Flu")


# Votes


def predictions_of(target, probabilities, ids="abc"):
    rest = f"non-{target}"
    sure = np.array(probabilities)
    return pd.DataFrame(
        {
            "image_id": list(ids),
            "split": "test",
            "label": rest,
            "predicted": np.where(sure > 0.5, target, rest),
            f"probability_{target}": sure,
            f"probability_{rest}": 1 - sure,
        }
    )


def test_soft_voting_takes_the_mean_probability():
    voted = vote_softly(
        predictions_of("COVID", [0.9, 0.2, 0.6]), predictions_of("COVID", [0.3, 0.1, 0.2])
    )
    assert voted["probability_COVID"].tolist() == pytest.approx([0.6, 0.15, 0.4])
    assert voted["predicted"].tolist() == ["COVID", "non-COVID", "non-COVID"]


def test_models_that_saw_other_radiographs_cannot_vote():
    with pytest.raises(ValueError, match="did not predict the same radiographs"):
        vote_softly(
            predictions_of("COVID", [0.9, 0.2, 0.6]),
            predictions_of("COVID", [0.9, 0.2, 0.6], ids="abd"),
        )


def test_of_models_of_one_class_each_the_surest_wins():
    splits = pd.DataFrame({"image_id": list("abc"), "label": ["COVID", "Normal", "Normal"]})
    voted = vote_one_against_rest(
        splits,
        predictions_of("COVID", [0.8, 0.3, 0.0]),
        predictions_of("Normal", [0.4, 0.6, 0.0]),
        targets=["COVID", "Normal"],
    )
    assert voted["label"].tolist() == ["COVID", "Normal", "Normal"]
    assert voted["predicted"].tolist()[:2] == ["COVID", "Normal"]
    # Nobody speaks for the third: all classes are as likely.
    assert voted["probability_COVID"].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 2])
    assert voted["probability_Normal"].tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 2])


def test_a_class_without_a_model_stops_the_vote():
    splits = pd.DataFrame({"image_id": list("abc"), "label": ["COVID", "Flu", "Normal"]})
    tables = [predictions_of(name, [0.5, 0.5, 0.5]) for name in ("COVID", "Normal")]
    with pytest.raises(ValueError, match="No model tells Flu from the rest"):
        vote_one_against_rest(splits, *tables, targets=["COVID", "Normal"])


# A finished project


def test_equalised_radiographs_are_opencvs(catalog):
    images, equalised = catalog.load("images"), catalog.load("equalised_images")
    assert len(images) == len(equalised)
    for before, after in zip(images, equalised, strict=True):
        np.testing.assert_array_equal(after, cv2.equalizeHist(before))


def test_every_model_predicts_every_held_out_radiograph_once(catalog):
    splits = catalog.load("splits")
    held_out = splits[splits["kept"] & (splits["split"] != "train")]
    for name in [*MODELS, *ANSWERS]:
        table = of_model(catalog, name, "predictions")
        assert sorted(table["image_id"]) == sorted(held_out["image_id"]), name
        probabilities = table.filter(like="probability_")
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        best = probabilities.to_numpy().argmax(axis=1)
        names = [column.removeprefix("probability_") for column in probabilities]
        assert table["predicted"].tolist() == [names[place] for place in best]


def test_four_class_answers_have_four_classes_and_the_others_two(catalog):
    for name in ANSWERS:
        columns = of_model(catalog, name, "predictions").filter(like="probability_").columns
        classes = [column.removeprefix("probability_") for column in columns]
        assert sorted(classes) == (CLASSES if name in FOUR_CLASSES else ["COVID", "non-COVID"])


def test_the_mask_in_the_deployed_graph_is_that_of_segmentation(catalog):
    import keras

    images, masks = catalog.load("images"), catalog.load("predicted_masks")
    equalised = catalog.load("equalised_images")
    deployed = of_model(catalog, "cnn", "screening_model")
    extractor = deployed.get_layer("lung_extractor")
    outputs = [extractor.get_layer("lung_mask").output, extractor.output]
    inside = keras.Model(extractor.inputs, outputs)
    found, lungs = inside.predict(images[..., None].astype(np.float32), verbose=0)
    np.testing.assert_array_equal(found[..., 0], masks)
    np.testing.assert_array_equal(lungs[..., 0], equalised * masks)


@pytest.mark.parametrize("name", ["cnn", "xception", "cnn_four_classes"])
def test_the_deployed_model_gives_the_catalogued_predictions_from_raw_radiographs(catalog, name):
    splits, images = catalog.load("splits"), catalog.load("images")
    deployed, table = (of_model(catalog, name, what) for what in ("screening_model", "predictions"))
    row_of = pd.Series(splits.index, index=splits["image_id"])
    pixels = images[row_of[table["image_id"]].to_numpy()][..., None].astype(np.float32)
    columns = [column for column in table if column.startswith("probability_")]
    np.testing.assert_allclose(
        deployed.predict(pixels, verbose=0), table[columns].to_numpy(), atol=1e-4
    )


def test_the_naive_model_is_not_deployed_behind_the_u_net(finished):
    folder = finished / "data/06_models/phantom_study/screening/naive_cnn"
    assert [path.name for path in folder.iterdir()] == ["classifier.keras"]


def test_proportions_are_those_of_the_training_radiographs_and_even_in_batches(catalog):
    table = catalog.load("class_proportions")
    splits = catalog.load("splits")
    training = splits[splits["kept"] & (splits["split"] == "train")]["label"].value_counts()
    four = table[table["question"] == "Four classes"]
    as_they_are = four[four["sampling"] == "as they are"].set_index("label")["n_radiographs"]
    assert as_they_are.to_dict() == training.to_dict()
    balanced = table[table["sampling"] == "in balanced batches"]
    assert balanced.groupby("question")["share"].nunique().eq(1).all()
    two = table[table["question"] == "COVID and the rest"].set_index(["sampling", "label"])
    shares = two.loc["as they are", "share"]
    assert shares["COVID"] == pytest.approx(training["COVID"] / training.sum())


def test_the_comparison_has_every_answer_scored_with_interval_and_cost(catalog):
    table = catalog.load("screening_comparison").set_index("model")
    costs = catalog.load("screening_costs").set_index("part")
    assert list(table.index) == list(ANSWERS)
    for score in SCREENING_SCORES:
        assert (table[f"{score}_low"] <= table[f"{score}_high"]).all()
        assert table[score].between(0, 1).all()
    for name, parts in ANSWERS.items():
        assert table.loc[name, "parameters"] == costs.loc[list(parts), "parameters"].sum()
        assert table.loc[name, "ms_per_image"] > 0
    assert table.loc["cnn", "accuracy_published"] == pytest.approx(0.953)
    assert table.loc["xception", "recall_published"] == pytest.approx(0.93)
    assert table.loc["xception", "file_megabytes_published"] == pytest.approx(90.4)
    assert table.drop(index=["cnn", "xception"])["accuracy_published"].isna().all()


def test_accuracy_of_the_comparison_is_that_of_the_predictions(catalog):
    table = catalog.load("screening_comparison").set_index("model")
    for name in ANSWERS:
        test = of_model(catalog, name, "predictions").query("split == 'test'")
        right = (test["predicted"] == "COVID") == (test["label"] == "COVID")
        assert table.loc[name, "accuracy"] == pytest.approx(right.mean())


def test_reports_stand_beside_the_published_ones_and_add_up(catalog):
    reports = catalog.load("screening_reports").set_index(["model", "label"])
    assert reports.loc[("cnn", "COVID"), "support_published"] == 180
    assert reports.loc[("xception", "non-COVID"), "f1_score_published"] == pytest.approx(0.99)
    test = of_model(catalog, "cnn", "predictions").query("split == 'test'")
    assert reports.loc["cnn", "support"].to_dict() == test["label"].value_counts().to_dict()
    hits = (test["predicted"] == "COVID") & (test["label"] == "COVID")
    recall = hits.sum() / (test["label"] == "COVID").sum()
    assert reports.loc[("cnn", "COVID"), "recall"] == pytest.approx(recall)


def test_thresholds_are_chosen_on_validation_and_judged_on_test(catalog):
    points = catalog.load("operating_points").set_index("model")
    assert list(points.index) == list(ANSWERS)
    assert (points["validation_sensitivity"] >= points["wanted_sensitivity"]).all()
    for name in ANSWERS:
        test = of_model(catalog, name, "predictions").query("split == 'test'")
        rest = test[test["label"] != "COVID"]
        specificity = (rest["probability_COVID"] < points.loc[name, "threshold"]).mean()
        assert points.loc[name, "specificity"] == pytest.approx(specificity)


def test_models_of_lungs_find_all_their_evidence_near_the_lungs_area_or_above(catalog):
    gaze = catalog.load("gaze")
    assert gaze["model"].unique().tolist() == ["cnn", "xception", "naive_cnn"]
    splits, masks = catalog.load("splits"), catalog.load("predicted_masks")
    test = splits.index[splits["kept"] & (splits["split"] == "test")]
    everything = gaze[gaze["label"] == "all"]
    assert (everything["n"] == len(test)).all()
    complete = everything[everything["n_without_evidence"] == 0]
    area = masks[test.to_numpy()].mean()
    np.testing.assert_allclose(complete["lung_area"], area, rtol=1e-6)


def test_classical_classifiers_give_the_catalogued_predictions(catalog):
    fitted, features = (
        catalog.load(name) for name in ("classical_classifiers", "convolution_features")
    )
    splits = catalog.load("splits")
    row_of = pd.Series(splits.index, index=splits["image_id"])
    for name in CLASSICAL:
        table = of_model(catalog, name, "predictions")
        model = fitted[name]
        sure = model.predict_proba(features[row_of[table["image_id"]].to_numpy()])
        place = list(model.classes_).index("COVID")
        np.testing.assert_allclose(sure[:, place], table["probability_COVID"], rtol=1e-6)


def test_summaries_say_what_was_asked_of_each_model(catalog):
    for name, model in MODELS.items():
        summary = of_model(catalog, name, "summary")
        assert summary["target"] == model.target
        assert summary["masked"] == model.masked
    assert {of_model(catalog, name, "summary")["target"] for name in ONE_AGAINST_REST} == {*CLASSES}


def test_the_page_has_every_model_and_warns_of_random_weights(catalog):
    page = catalog.load("screening_page")
    for row in catalog.load("screening_comparison").to_dict("records"):
        assert row["title"] in page
        assert f"{row['accuracy']:.1%} [" in page
    assert "(95.3%)" in page
    assert "(97.8%)" in page
    assert "(illegible)" in page
    assert "random weights" in page


def test_pictures_are_there_and_not_blank(finished):
    folder = finished / "data/08_reporting/phantom_study/screening"
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert len(pictures) == 11
    for name in pictures:
        assert cv2.imread(str(folder / name)).std() > 5, name


# The same seed, and bad parameters


@pytest.mark.slow
def test_a_model_trained_again_is_the_same_byte_for_byte(finished, run_kedro):
    folder = finished / "data/07_model_output/phantom_study/screening/cnn"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run_kedro(finished, "screening", node_names=["screening.cnn.train_classifier"])
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"screening": {"equalisation": {"method": "adaptive"}}}, "global"),
        ({"screening": {"wanted_sensitivity": 1.5}}, "wanted_sensitivity"),
        ({"screening": {"training": {"cnn": {"batch_size": 7}}}}, "make it a multiple of 2"),
        ({"screening": {"xception": {"cut_layer": 500}}}, "has no layer 500"),
        ({"screening": {"weights": "nowhere"}}, "xception_notop.weights.h5"),
    ],
)
def test_bad_parameters_are_named_and_damage_nothing(finished, run_kedro, params, words):
    folder = finished / "data/07_model_output/phantom_study/screening"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    nodes = ["equalise_radiographs"]
    if "equalisation" not in params["screening"]:
        name = "xception" if {"xception", "weights"} & set(params["screening"]) else "cnn"
        nodes = [f"screening.{name}.train_classifier"]
    with pytest.raises(Exception, match=words):
        run_kedro(finished, "screening", node_names=nodes, params=params)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert json.loads((folder / "cnn/summary.json").read_text("utf-8"))["target"] == "COVID"
