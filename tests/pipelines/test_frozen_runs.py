import io

import numpy as np
import pandas as pd
import pytest
from covid_xray.pipelines.reporting.frozen_runs import (
    augmentation_table,
    laplacian_table,
    preprocessing_table,
    score_frozen_runs,
)
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.utils.class_weight import compute_sample_weight

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import FROZEN_SCORES
from support.project import ROOT

PUBLISHED = ROOT / "data/01_raw/published"
TABLE_2 = pd.read_csv(PUBLISHED / "table_2_augmentation_settings.csv")
TABLE_3 = pd.read_csv(PUBLISHED / "table_3_augmentation_scores.csv")
TABLE_4 = pd.read_csv(PUBLISHED / "table_4_preprocessing_ablation.csv")
INTERVALS = Intervals(n_resamples=300, confidence=0.95, seed=1)

SCORE_COLUMNS = [
    f"{score}{suffix}" for score in FROZEN_SCORES for suffix in ("", "_low", "_high", "_natural")
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


def runs_of(*names):
    how = {"backbone": "MobileNet", "weights": "imagenet"}
    return pd.DataFrame({"run": names, **how, "n_train": 100, "note": ""})


def score(runs, *predictions):
    return score_frozen_runs(runs, pd.concat(predictions, ignore_index=True), INTERVALS)


def through_csv(table):
    """The table as a catalogued CSV file gives it back."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def test_a_run_has_the_scores_of_a_computation_by_hand():
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


def test_a_class_without_test_radiographs_does_not_count_as_wrong():
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
    scored = score_frozen_runs(
        load(runs), load(pd.concat([two_classes("x", 9, 20), two_classes("z", 5, 5)])), INTERVALS
    )
    assert scored["run"].tolist() == ["z", "gone", "x"]
    assert scored["note"].tolist() == ["", "no radiograph is left", ""]
    assert scored["n_train"].tolist() == [100, 0, 100]
    assert scored["n_test"].tolist() == [50, 0, 50]
    assert scored.loc[1, SCORE_COLUMNS].isna().all()
    assert scored.loc[[0, 2], SCORE_COLUMNS].notna().all(axis=None)


def test_no_run_at_all_could_be_trained():
    runs = runs_of("x").assign(n_train=0, note="nothing")
    scored = score(through_csv(runs), through_csv(two_classes("x", 1, 1)[:0]))
    assert scored[SCORE_COLUMNS].isna().all(axis=None)
    assert scored["note"].tolist() == ["nothing"]


@pytest.mark.parametrize("load", [lambda table: table, through_csv])
def test_runs_and_predictions_meet_whatever_type_their_file_gave_them(load):
    scored = score(runs_of("3", "10"), load(two_classes("10", 9, 20)), load(two_classes(3.0, 5, 5)))
    assert scored["run"].tolist() == ["3", "10"]
    assert scored["n_test"].tolist() == [50, 50]


def augmentation_settings():
    settings = TABLE_2.astype({"setting": "str"})
    settings = pd.concat([settings, settings[2:3].assign(setting="masks")], ignore_index=True)
    run = settings["setting"].replace(dict.fromkeys(["5", "7", "11"], "3"))
    ours = (settings["images_per_class"] * 0.7).astype(int)
    return settings.assign(our_images_per_class=ours, run=run)


def augmentation_scores(settings):
    names = list(dict.fromkeys(settings["run"]))
    tables = [two_classes(name, i % 10, 3 * i) for i, name in enumerate(names)]
    return score(runs_of(*names), *tables)


@pytest.mark.parametrize("load", [lambda table: table, through_csv])
def test_each_augmentation_setting_has_the_scores_of_its_run(load):
    settings = augmentation_settings()
    scored = augmentation_scores(settings)
    table = augmentation_table(load(settings), scored, TABLE_3).set_index("setting")
    assert table.index.tolist() == [*map(str, range(1, 13)), "masks"]
    assert table["run"].tolist() == settings["run"].tolist()
    assert table.loc["1", "our_images_per_class"] == 2800
    by_run = scored.set_index("run")
    for setting, run in table["run"].items():
        assert table.loc[setting, SCORE_COLUMNS].tolist() == by_run.loc[run, SCORE_COLUMNS].tolist()
    for setting in ("5", "7", "11"):
        assert table.loc[setting, "f1_score"] == table.loc["3", "f1_score"]


def test_published_scores_stand_only_where_table_3_has_them():
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


def test_settings_may_all_be_numbers():
    settings = through_csv(augmentation_settings()[:12])
    assert settings["setting"].dtype == np.int64
    table = augmentation_table(settings, augmentation_scores(augmentation_settings()), TABLE_3)
    assert table.set_index("setting").loc["2", "accuracy_published"] == 0.77


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
    names = [0, 30, 50, 40]
    tables = [two_classes(name, 9, 20) for name in names]
    scored = score(load(runs_of(*names)), *map(load, tables))
    table = laplacian_table(scored)
    assert table.columns[0] == "threshold"
    assert table["threshold"].tolist() == [50, 40, 30, 0]
    assert "run" not in table
    assert table["n_test"].tolist() == [50] * 4
