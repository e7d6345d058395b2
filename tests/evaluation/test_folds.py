"""Scores over folds: those of each, their mean and the sample's standard deviation."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.evaluation.folds import score_folds
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import REPORT_SCORES

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
INTERVALS = Intervals(n_resamples=100, confidence=0.9, seed=1)


def predictions(backbone, run, right, wrong):
    labels = CLASSES * (right + wrong)
    taken_for = CLASSES * right + [*CLASSES[1:], CLASSES[0]] * wrong
    table = pd.DataFrame({"split": "test", "label": labels, "predicted": taken_for})
    unseen = pd.DataFrame({"split": "validation", "label": CLASSES, "predicted": CLASSES[0]})
    named = pd.concat([table, unseen]).assign(backbone=backbone, run=run)
    return named.assign(**{f"probability_{name}": 0.25 for name in CLASSES})


FOLDS = pd.concat(
    [
        predictions("mobilenet", "fold_0", 9, 1),
        predictions("mobilenet", "fold_1", 7, 3),
        predictions("vgg19", "fold_0", 1, 1),
        predictions("vgg19", "fold_1", 1, 1),
    ]
)
SCORES, SUMMARY = score_folds(FOLDS, INTERVALS)


def test_every_fold_has_the_scores_of_table_5():
    assert SCORES["run"].tolist() == ["fold_0", "fold_1"] * 2
    assert SCORES["backbone"].tolist() == ["mobilenet"] * 2 + ["vgg19"] * 2
    assert SCORES["f1_score"].tolist() == pytest.approx([0.9, 0.7, 0.5, 0.5])
    assert (SCORES["f1_score_low"] < SCORES["f1_score_high"]).all()


def test_folds_end_in_their_mean_and_standard_deviation():
    assert list(SUMMARY) == ["backbone", "score", "mean", "sd", "n_folds"]
    table = SUMMARY.set_index(["backbone", "score"])
    assert table.loc["mobilenet"].index.tolist() == list(REPORT_SCORES)
    row = table.loc[("mobilenet", "f1_score")]
    assert row["mean"] == pytest.approx(0.8)
    assert row["sd"] == pytest.approx(np.std([0.9, 0.7], ddof=1))
    assert row["n_folds"] == 2
    assert table.loc[("vgg19", "recall_covid"), ["mean", "sd"]].tolist() == [0.5, 0]
