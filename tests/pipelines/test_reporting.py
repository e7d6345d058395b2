import numpy as np
import pandas as pd
import pytest
from covid_xray.pipelines.reporting.model_comparison import (
    class_weight_table,
    model_comparison_table,
    model_row,
)

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import REPORT_SCORES
from support.project import ROOT

PUBLISHED = ROOT / "data/01_raw/published"
TABLE_5 = pd.read_csv(PUBLISHED / "table_5_model_comparison.csv")
CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


def predictions(right=9, wrong=1):
    """Ten test radiographs a class, one of them taken for the next class; and some validation."""
    rows = []
    for i, label in enumerate(CLASSES):
        rows += [("test", label, label)] * right
        rows += [("test", label, CLASSES[(i + 1) % 4])] * wrong
        rows += [("validation", label, CLASSES[0])] * 5
    table = pd.DataFrame(rows, columns=["split", "label", "predicted"])
    return table.assign(**{f"probability_{name}": 0.25 for name in CLASSES})


SUMMARY = {
    "backbone": "mobilenet",
    "class_weights": {"COVID": 2},
    "classes": CLASSES,
    "variant": "balanced_augmented",
    "weights": "imagenet",
    "trainable_params": 2_659_076,
    "n_train": 100,
}
INTERVALS = Intervals(n_resamples=500, confidence=0.95, seed=1)


def test_a_row_of_table_5_has_known_scores_on_the_test_split_only():
    row = model_row(SUMMARY, predictions(), INTERVALS)
    for score in REPORT_SCORES:
        assert row[score] == pytest.approx(0.9)
        assert row[f"{score}_low"] < 0.9 < row[f"{score}_high"]
        assert row[f"{score}_natural"] == pytest.approx(0.9)
    assert row["n_test"] == 40
    assert (row["backbone"], row["covid_weight"]) == ("MobileNet", 2)


def test_prevalence_moves_natural_scores_and_leaves_balanced_ones():
    table = predictions()
    normal = table[(table["label"] == "Normal") & (table["split"] == "test")]
    more_normal = pd.concat([table] + [normal] * 9)
    row = model_row(SUMMARY, more_normal, INTERVALS)
    assert row["precision"] == pytest.approx(0.9)
    assert row["precision_natural"] != pytest.approx(0.9, abs=0.02)


def test_table_5_stands_beside_the_published_figures():
    row = model_row(SUMMARY, predictions(), INTERVALS)
    table = model_comparison_table([row, row | {"covid_weight": 7}], TABLE_5)
    known, unknown = table.iloc[0], table.iloc[1]
    assert known["precision_covid_published"] == 0.987
    assert known["precision_covid_difference"] == pytest.approx(0.9 - 0.987)
    assert known["trainable_params_difference"] == 0
    assert np.isnan(unknown["precision_covid_published"])


def test_figure_14_is_table_5_of_one_backbone_by_weight():
    first = model_row(SUMMARY, predictions(), INTERVALS)
    second = model_row(SUMMARY | {"class_weights": {}}, predictions(6, 4), INTERVALS)
    table = class_weight_table([first, second])
    assert table["covid_weight"].tolist() == [1, 2]
    assert table["recall_covid"].tolist() == pytest.approx([0.6, 0.9])
    suffixes = ["", "_low", "_high", "_natural"]
    scores = [f"{score}{suffix}" for score in REPORT_SCORES for suffix in suffixes]
    assert table.columns.tolist() == ["backbone", "covid_weight", *scores]
    for score in scores:
        assert table.loc[1, score] == first[score]


def test_figure_14_does_not_mix_backbones():
    rows = [
        model_row(SUMMARY | {"backbone": backbone}, predictions(), INTERVALS)
        for backbone in ("vgg19", "mobilenet")
    ]
    with pytest.raises(ValueError, match="one backbone, not MobileNet, VGG19"):
        class_weight_table(rows)
