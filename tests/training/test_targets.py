"""Labels and class weights as the model takes them."""

import pandas as pd
import pytest

from covid_xray.absence import CannotMakeError
from covid_xray.training.targets import (
    class_names,
    one_hot,
    weights_in_order,
)

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]


def test_weights_follow_the_order_of_the_models_outputs():
    assert weights_in_order({}, CLASSES) == [1, 1, 1, 1]
    assert weights_in_order({"COVID": 3}, CLASSES) == [3, 1, 1, 1]
    assert weights_in_order({"Viral Pneumonia": 2.5, "COVID": 2}, CLASSES) == [2, 1, 1, 2.5]


@pytest.mark.parametrize("weights", [{"COVID": 0}, {"COVID": -1}, {"COVID": "two"}])
def test_a_wrong_weight_is_named_with_its_parameter(weights):
    with pytest.raises(ValueError, match=rf"modeling\.class_weights.*{next(iter(weights))}"):
        weights_in_order(weights, CLASSES)


@pytest.mark.parametrize("labels", [["COVID"] * 3, []])
def test_fewer_than_two_classes_leave_nothing_to_tell_apart(labels):
    # A network of one class would be right every time.
    with pytest.raises(CannotMakeError, match="one class, .*nothing to tell apart"):
        class_names(pd.DataFrame({"label": labels}))


def test_labels_become_one_hot_rows_in_the_order_of_the_classes():
    rows = pd.DataFrame({"label": ["Normal", "COVID", "Normal"]})
    assert class_names(rows) == ["COVID", "Normal"]
    assert one_hot(rows["label"], class_names(rows)).tolist() == [[0, 1], [1, 0], [0, 1]]
