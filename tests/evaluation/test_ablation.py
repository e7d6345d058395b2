"""Tables 3 and 4 and the Laplacian sweep, from runs and predictions to what stands beside them."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.utils.class_weight import compute_sample_weight

from covid_xray.evaluation.ablation import (
    augmentation_table,
    laplacian_table,
    preprocessing_table,
    score_frozen_runs,
)
from covid_xray.evaluation.intervals import Intervals
from support.project import ROOT

PUBLISHED = ROOT / "data/01_raw/published"
NAMED = {"dtype": {"run": str, "setting": str}}
TABLE_2 = pd.read_csv(PUBLISHED / "table_2_augmentation_settings.csv", **NAMED)
TABLE_3 = pd.read_csv(PUBLISHED / "table_3_augmentation_scores.csv", **NAMED)
TABLE_4 = pd.read_csv(PUBLISHED / "table_4_preprocessing_ablation.csv")
INTERVALS = Intervals(n_resamples=300, confidence=0.95, seed=1)
SCORES = [
    f"{score}{suffix}"
    for score in ("accuracy", "f1_score")
    for suffix in ("", "_low", "_high", "_natural")
]


def with_probabilities(table, classes):
    return table.assign(**{f"probability_{name}": 0.5 for name in classes})


def two_classes(run, right_a, right_b):
    """Ten test radiographs of A and 40 of B, so many of them right; and validation, all wrong."""
    rows = [("test", "A", "A")] * right_a + [("test", "A", "B")] * (10 - right_a)
    rows += [("test", "B", "B")] * right_b + [("test", "B", "A")] * (40 - right_b)
    rows += [("validation", "A", "B")] * 7
    table = pd.DataFrame(rows, columns=["split", "label", "predicted"]).assign(run=run)
    return with_probabilities(table, "AB")


def runs_of(*names, key="variant"):
    how = {"backbone": "mobilenet", "weights": "imagenet", "n_train": 100, "note": ""}
    return pd.DataFrame({"run": [str(name) for name in names], key: names, **how})


def score(runs, *predictions, key="variant"):
    every = pd.concat(predictions, ignore_index=True).astype({"run": "str"})
    return score_frozen_runs(runs, every, key, {"mobilenet": "MobileNet"}, INTERVALS)


def through_csv(table):
    """The table as a catalogued CSV file gives it back."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), **NAMED)


def test_scores_are_those_computed_by_hand():
    scored = score(runs_of("x"), two_classes("x", 9, 20)).iloc[0]
    assert scored["accuracy"] == pytest.approx((0.9 + 0.5) / 2)
    assert scored["accuracy_natural"] == pytest.approx(29 / 50)
    # Both classes weighing the same: precision 0.9 / 1.4 and 0.5 / 0.6, so F1 18 / 24 and 1 / 1.6.
    assert scored["f1_score"] == pytest.approx((18 / 24 + 1 / 1.6) / 2)
    # As counted: F1 is twice the hits over the labels and the predictions of a class.
    assert scored["f1_score_natural"] == pytest.approx((18 / (10 + 29) + 40 / (40 + 21)) / 2)
    assert (scored["n_train"], scored["n_test"], scored["note"]) == (100, 50, "")


def test_the_scores_are_scikit_learns():
    rng = np.random.default_rng(3)
    classes = np.array(["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"])
    labels = rng.choice(classes, 400, p=[0.1, 0.3, 0.5, 0.1])
    guessed = np.where(rng.random(400) < 0.7, labels, rng.choice(classes, 400))
    table = pd.DataFrame({"run": "x", "split": "test", "label": labels, "predicted": guessed})
    scored = score(runs_of("x"), with_probabilities(table, classes)).iloc[0]
    weights = compute_sample_weight("balanced", labels)
    expected = {
        "accuracy": balanced_accuracy_score(labels, guessed),
        "accuracy_natural": accuracy_score(labels, guessed),
        "f1_score": f1_score(labels, guessed, average="macro", sample_weight=weights),
        "f1_score_natural": f1_score(labels, guessed, average="macro"),
    }
    for name, value in expected.items():
        assert scored[name] == pytest.approx(value)


def test_intervals_hold_their_score():
    scored = score(runs_of("x"), two_classes("x", 7, 20)).iloc[0]
    for name in ("accuracy", "f1_score"):
        assert scored[f"{name}_low"] < scored[name] < scored[f"{name}_high"]
    assert score(runs_of("x"), two_classes("x", 7, 20)).iloc[0].equals(scored)


def test_a_class_without_test_radiographs_is_not_wrong():
    table = two_classes("x", 9, 20)
    scored = score(runs_of("x"), table[table["label"] == "A"]).iloc[0]
    assert scored["accuracy"] == pytest.approx(0.9)


def test_runs_may_tell_different_classes_apart():
    three = with_probabilities(
        pd.DataFrame({"run": "y", "split": "test", "label": [*"ABC"], "predicted": [*"ABC"]}), "ABC"
    )
    scored = score(runs_of("y", "x"), two_classes("x", 10, 40), three)
    assert scored["accuracy"].tolist() == [1, 1]
    assert scored["f1_score"].tolist() == [1, 1]


@pytest.mark.parametrize("load", [lambda table: table, through_csv])
def test_an_untrained_run_keeps_its_place_and_says_why(load):
    runs = runs_of("z", "gone", "x")
    runs.loc[1, ["n_train", "note"]] = [0, "no radiograph is left"]
    both = load(pd.concat([two_classes("x", 9, 20), two_classes("z", 5, 5)]))
    scored = score(load(runs), both)
    assert scored["variant"].tolist() == ["z", "gone", "x"]
    assert scored["note"].tolist() == ["", "no radiograph is left", ""]
    assert scored["n_train"].tolist() == [100, 0, 100]
    assert scored["n_test"].tolist() == [50, 0, 50]
    assert scored.loc[1, SCORES].isna().all()
    assert scored.loc[[0, 2], SCORES].notna().all(axis=None)


def test_no_run_at_all_could_be_trained():
    runs = runs_of("x").assign(n_train=0, note="nothing")
    scored = score(through_csv(runs), through_csv(two_classes("x", 1, 1)[:0]))
    assert scored[SCORES].isna().all(axis=None)
    assert scored["note"].tolist() == ["nothing"]


def test_runs_of_other_experiments_are_left_out():
    runs = pd.concat([runs_of("x"), runs_of("y", key="threshold")], ignore_index=True)
    scored = score(runs, two_classes("x", 9, 20), two_classes("y", 5, 20))
    assert scored["variant"].tolist() == ["x"]
    assert scored["backbone"].tolist() == ["MobileNet"]


def augmentation_settings():
    settings = TABLE_2.astype({"setting": "str"})
    settings = pd.concat([settings, settings[2:3].assign(setting="masks")], ignore_index=True)
    run = settings["setting"].replace(dict.fromkeys(["5", "7", "11"], "3"))
    ours = (settings["images_per_class"] * 0.7).astype(int)
    return settings.assign(our_images_per_class=ours, run=run)


def augmentation_scores(settings):
    names = list(dict.fromkeys(settings["run"]))
    tables = [two_classes(name, i % 10, 3 * i) for i, name in enumerate(names)]
    return score(runs_of(*names, key="setting"), *tables, key="setting")


@pytest.mark.parametrize("load", [lambda table: table, through_csv])
def test_each_setting_has_the_scores_of_its_run(load):
    settings = augmentation_settings()
    scored = augmentation_scores(settings)
    table = augmentation_table(load(settings), scored, TABLE_3).set_index("setting")
    assert table.index.tolist() == [*map(str, range(1, 13)), "masks"]
    assert table["run"].tolist() == settings["run"].tolist()
    assert table.loc["1", "our_images_per_class"] == 2800
    by_run = scored.set_index("setting")
    for setting, run in table["run"].items():
        assert table.loc[setting, SCORES].tolist() == by_run.loc[run, SCORES].tolist()
    for setting in ("5", "7", "11"):
        assert table.loc[setting, "f1_score"] == table.loc["3", "f1_score"]


def test_published_scores_stand_where_table_3_has_them():
    settings = augmentation_settings()
    table = augmentation_table(settings, augmentation_scores(settings), TABLE_3)
    table = table.set_index("setting")
    assert table.index[table["accuracy_published"].isna()].tolist() == ["5", "7", "11"]
    assert table.loc["1", ["accuracy_published", "f1_score_published"]].tolist() == [0.65, 0.63]
    assert table.loc["masks", "f1_score_published"] == 0.79
    for name in ("accuracy", "f1_score"):
        difference = table.loc["12", name] - 0.8
        assert table.loc["12", f"{name}_difference"] == pytest.approx(difference)
    assert table.columns[-1] == "note"


def test_a_setting_of_an_unknown_run_is_an_error():
    settings = augmentation_settings()
    with pytest.raises(KeyError, match="masks"):
        augmentation_table(settings, augmentation_scores(settings[:12]), TABLE_3)


def test_table_4_stands_beside_the_published_accuracy():
    scored = score(
        runs_of("masked", "mine"), two_classes("masked", 9, 20), two_classes("mine", 5, 20)
    )
    table = preprocessing_table(scored, TABLE_4)
    assert table.columns[0] == "variant"
    assert table["variant"].tolist() == ["masked", "mine"]
    assert table.loc[0, "accuracy_published"] == 0.73
    assert table.loc[0, "accuracy_difference"] == pytest.approx(0.7 - 0.73)
    assert np.isnan(table.loc[1, "accuracy_published"])
    assert "f1_score" in table and "f1_score_published" not in table


@pytest.mark.parametrize("load", [lambda table: table, through_csv])
def test_thresholds_descend_to_no_filter(load):
    thresholds = [0.0, 30.0, 50.0, 40.0]
    runs = pd.concat([runs_of(*thresholds, key="threshold"), runs_of("3", key="setting")])
    tables = [two_classes(name, 9, 20) for name in thresholds]
    table = laplacian_table(score(load(runs), *tables, key="threshold"))
    assert table.columns[0] == "threshold"
    assert table["threshold"].map(str).tolist() == ["50", "40", "30", "0"]
    assert "run" not in table
    assert table["n_test"].tolist() == [50] * 4
