"""Predictions tables: what they say, and how their rows and classes are chosen."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.evaluation.predictions import (
    predicted_classes,
    prediction_table,
    probability_column,
    select_split,
)
from covid_xray.split import Split

CLASSES = ["Normal", "COVID", "Viral Pneumonia"]


def test_classes_come_in_the_order_of_their_columns():
    table = pd.DataFrame({probability_column(name): [0.1] for name in CLASSES})
    assert predicted_classes(table) == CLASSES
    assert predicted_classes(pd.DataFrame({"label": ["a"]})) == []


def test_classes_of_other_runs_do_not_count():
    table = pd.DataFrame({"probability_A": [0.1, np.nan], "probability_B": np.nan})
    assert predicted_classes(table) == ["A"]


def test_a_split_is_selected_or_named_as_missing():
    table = pd.DataFrame({"image_id": ["a", "b", "c"], "split": ["test", "train", "test"]})
    assert select_split(table)["image_id"].tolist() == ["a", "c"]
    assert select_split(table, Split.TRAIN)["image_id"].tolist() == ["b"]
    with pytest.raises(ValueError, match="no radiographs of the validation split"):
        select_split(table, Split.VALIDATION)


@pytest.mark.parametrize("groups", [{}, {"group_id": ["g1", "g2"]}])
def test_predictions_name_the_likeliest_class(groups):
    rows = pd.DataFrame(
        {
            "image_id": ["a", "b"],
            "split": ["test", "validation"],
            "label": ["Normal", "COVID"],
            **groups,
            "row": [8, 3],
        },
        index=[40, 7],
    )
    table = prediction_table(rows, np.array([[0.2, 0.8], [0.4, 0.6]]), ["COVID", "Normal"])
    expected = pd.DataFrame(
        {
            "image_id": ["a", "b"],
            **groups,
            "split": ["test", "validation"],
            "label": ["Normal", "COVID"],
            "predicted": ["Normal", "Normal"],
            "probability_COVID": [0.2, 0.4],
            "probability_Normal": [0.8, 0.6],
        }
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
