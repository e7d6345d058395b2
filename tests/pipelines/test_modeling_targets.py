"""Labels, class weights and predictions as the model takes and gives them."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.training.targets import (
    class_names,
    one_hot,
    prediction_table,
    weights_in_order,
)

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


def test_weights_follow_the_order_of_the_models_outputs():
    assert weights_in_order({}, CLASSES) == [1, 1, 1, 1]
    assert weights_in_order({"COVID": 3}, CLASSES) == [3, 1, 1, 1]
    assert weights_in_order({"Viral Pneumonia": 2.5, "COVID": 2}, CLASSES) == [2, 1, 1, 2.5]


@pytest.mark.parametrize("weights", [{"Covid": 2}, {"COVID": 0}, {"COVID": -1}, {"COVID": "two"}])
def test_a_wrong_weight_is_named_with_its_parameter(weights):
    with pytest.raises(ValueError, match=rf"modeling\.class_weights.*{next(iter(weights))}"):
        weights_in_order(weights, CLASSES)


def test_labels_become_one_hot_rows_in_the_order_of_the_classes():
    rows = pd.DataFrame({"label": ["Normal", "COVID", "Normal"]})
    assert class_names(rows) == ["COVID", "Normal"]
    assert one_hot(rows["label"], class_names(rows)).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_predictions_name_the_likeliest_class_of_each_radiograph():
    rows = pd.DataFrame(
        {
            "image_id": ["a", "b"],
            "split": ["test", "validation"],
            "label": ["Normal", "COVID"],
            "row": [8, 3],
        },
        index=[40, 7],
    )
    table = prediction_table(rows, np.array([[0.2, 0.8], [0.4, 0.6]]), ["COVID", "Normal"])
    expected = pd.DataFrame(
        {
            "image_id": ["a", "b"],
            "split": ["test", "validation"],
            "label": ["Normal", "COVID"],
            "predicted": ["Normal", "Normal"],
            "probability_COVID": [0.2, 0.4],
            "probability_Normal": [0.8, 0.6],
        }
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
