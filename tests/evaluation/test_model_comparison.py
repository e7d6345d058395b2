"""Table 5 and Figure 14: queries on the tables of runs and of scores."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.absence import CannotMakeError
from covid_xray.evaluation.comparison_tables import TABLE_5
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.model_comparison import (
    RANDOM_TRUNK,
    class_weight_table,
    model_comparison_table,
    run_titles,
    scored_runs,
)
from covid_xray.evaluation.scoring import REPORT_SCORES, score_runs
from support.project import ROOT

PUBLISHED = pd.read_csv(ROOT / "data/01_raw/published/table_5_model_comparison.csv")
CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
INTERVALS = Intervals(n_resamples=200, confidence=0.95, seed=1)
NAMES = {"mobilenet": "MobileNet", "efficientnetb0": "EfficientNet"}
SUFFIXES = ["", "_low", "_high", "_natural"]
SCORES = [f"{score}{suffix}" for score in REPORT_SCORES for suffix in SUFFIXES]


def predictions(run, right=9, wrong=1, backbone="mobilenet"):
    """Ten test radiographs a class, some taken for the next class; and some validation."""
    rows = []
    for i, label in enumerate(CLASSES):
        rows += [("test", label, label)] * right
        rows += [("test", label, CLASSES[(i + 1) % 4])] * wrong
        rows += [("validation", label, CLASSES[0])] * 5
    table = pd.DataFrame(rows, columns=["split", "label", "predicted"])
    named = table.assign(backbone=backbone, run=run)
    return named.assign(**{f"probability_{name}": 0.25 for name in CLASSES})


def runs(**weights):
    """Runs of MobileNet by name, each with its weight of COVID."""
    return pd.DataFrame(
        {
            "backbone": "mobilenet",
            "run": weights.keys(),
            "variant": "balanced_augmented",
            "weights": "imagenet",
            "n_train": 100,
            "n_test": 40,
            "trainable_params": 2_659_076,
            "weight_COVID": weights.values(),
            "note": "",
        }
    )


def scores(*tables):
    return score_runs(pd.concat(tables), INTERVALS)


def test_a_row_of_table_5_has_scores_of_the_test_split_only():
    row = scored_runs(runs(heavy=2), scores(predictions("heavy"))).iloc[0]
    for score in REPORT_SCORES:
        assert row[score] == pytest.approx(0.9)
        assert row[f"{score}_low"] < 0.9 < row[f"{score}_high"]
        assert row[f"{score}_natural"] == pytest.approx(0.9)
    assert (row["covid_weight"], row["n_test"], row["trainable_params"]) == (2, 40, 2_659_076)


def test_prevalence_moves_natural_scores_and_leaves_balanced_ones():
    table = predictions("heavy")
    normal = table[(table["label"] == "Normal") & (table["split"] == "test")]
    row = scored_runs(runs(heavy=2), scores(table, *[normal] * 9)).iloc[0]
    assert row["precision"] == pytest.approx(0.9)
    assert row["precision_natural"] != pytest.approx(0.9, abs=0.02)


def test_covid_weighs_1_where_no_weight_is_given():
    scored = scores(predictions("a"), predictions("b"))
    assert scored_runs(runs(a=np.nan, b=3), scored)["covid_weight"].tolist() == [1, 3]
    without = runs(a=1, b=1).drop(columns="weight_COVID")
    assert scored_runs(without, scored)["covid_weight"].tolist() == [1, 1]


def test_a_run_without_scores_keeps_its_row():
    table = scored_runs(runs(trained=1, untrained=2), scores(predictions("trained")))
    assert table["covid_weight"].tolist() == [1, 2]
    assert table["f1_score"].isna().tolist() == [False, True]


def test_table_5_stands_beside_the_published_figures():
    scored = scores(predictions("known"), predictions("unknown"))
    table = model_comparison_table(runs(known=2, unknown=7), scored, PUBLISHED, NAMES)
    known, unknown = table.iloc[0], table.iloc[1]
    assert table.columns[:2].tolist() == ["backbone", "covid_weight"]
    assert known["backbone"] == "MobileNet"
    assert known["precision_covid_published"] == 0.987
    assert known["precision_covid_difference"] == pytest.approx(0.9 - 0.987)
    assert known["trainable_params_difference"] == 0
    assert np.isnan(unknown["precision_covid_published"])


def test_weights_are_matched_as_numbers_not_as_texts():
    # A column of weights of many runs may hold floats, the published one whole numbers.
    scored = scores(predictions("a"))
    table = model_comparison_table(runs(a=2.0), scored, PUBLISHED, NAMES)
    assert table["f1_score_published"].notna().all()


def test_figure_14_is_one_backbone_by_ascending_weight():
    scored = scores(predictions("heavy"), predictions("light", 6, 4))
    table = class_weight_table(runs(heavy=12, light=1), scored, "MobileNet")
    assert table["covid_weight"].tolist() == [1, 12]
    assert table["recall_covid"].tolist() == pytest.approx([0.6, 0.9])
    assert table.columns.tolist() == ["backbone", "covid_weight", *SCORES]
    assert (table["backbone"] == "MobileNet").all()
    both = scored_runs(runs(heavy=12, light=1), scored)
    assert table.loc[1, SCORES].tolist() == both.loc[0, SCORES].tolist()


def test_figure_14_does_not_mix_backbones():
    scored = scores(predictions("a"), predictions("a", 1, 9, backbone="vgg19"))
    table = class_weight_table(runs(a=1), scored, "MobileNet")
    assert table["recall"].tolist() == pytest.approx([0.9])


def test_a_run_is_titled_by_its_weights_or_its_name():
    named = pd.DataFrame(
        {
            "run": ["covid_weight_2", "both", "plain"],
            "weight_COVID": [2.0, 1.5, np.nan],
            "weight_Viral Pneumonia": [np.nan, 3.0, np.nan],
            "weights": "imagenet",
        }
    )
    assert run_titles(named, ["COVID", "Viral Pneumonia"]) == {
        "covid_weight_2": "COVID weight 2",
        "both": "COVID weight 1.5, Viral Pneumonia weight 3",
        "plain": "plain",
    }


def test_a_title_names_no_class_that_the_study_lacks():
    named = runs(covid_weight_1=1)
    assert run_titles(named, ["Normal", "Tuberculosis"]) == {"covid_weight_1": "covid_weight_1"}


def test_a_run_that_weighs_other_classes_is_not_compared_with_the_reports():
    scored = scores(predictions("plain"), predictions("heavy"), predictions("other"))
    weighed = runs(plain=1, heavy=2, other=1).assign(weight_Normal=[np.nan, 1, 2])
    table = model_comparison_table(weighed, scored, PUBLISHED, NAMES).set_index("run")
    assert table.loc[["plain", "heavy"], "covid_weight"].tolist() == [1, 2]
    assert table["f1_score_published"].isna().tolist() == [False, False, True]
    assert np.isnan(table.loc["other", "covid_weight"])
    figure_14 = class_weight_table(weighed, scored, "MobileNet")
    assert figure_14["covid_weight"].tolist() == [1, 2]


def test_a_row_says_that_a_trunk_is_of_random_weights():
    scored = scores(predictions("known"), predictions("random"))
    made = runs(known=1, random=1, untrained=1).assign(
        weights=["imagenet", "none", "none"], note=["", "", "not trained: why"]
    )
    table = scored_runs(made, scored)
    assert table["note"].tolist() == ["", RANDOM_TRUNK, "not trained: why"]


def test_a_study_without_covid_has_no_column_of_it():
    table = predictions("plain").replace("COVID", "Tuberculosis")
    scored = scores(table.rename(columns={"probability_COVID": "probability_Tuberculosis"}))
    untrained = runs(plain=1, heavy=2).assign(note=["", "not trained"])
    found = model_comparison_table(untrained, scored, PUBLISHED, NAMES)
    assert not [name for name in found if "covid" in name or "published" in name]
    assert found["f1_score"].tolist() == pytest.approx([0.9, np.nan], nan_ok=True)
    assert found["note"].tolist() == ["", "not trained"]
    TABLE_5.validate(found)
    with pytest.raises(CannotMakeError, match="no class COVID"):
        class_weight_table(untrained, scored, "MobileNet")
