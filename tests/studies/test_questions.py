"""The study under the question that a network is asked."""

import pandas as pd
import pytest

from covid_xray.absence import CannotMakeError
from covid_xray.studies.questions import rows_of_question

SPLITS = pd.DataFrame(
    {
        "image_id": [f"i{number}" for number in range(6)],
        "group_id": list("aabbcc"),
        "label": ["COVID", "Normal", "Lung_Opacity", "COVID", "Normal", "Viral Pneumonia"],
        "split": ["train", "train", "test", None, "validation", "test"],
        "kept": [True, True, True, False, True, True],
    }
)


def test_a_question_is_put_to_the_kept_radiographs():
    rows = rows_of_question(SPLITS, "COVID")
    assert rows["row"].tolist() == [0, 1, 2, 4, 5]
    assert rows["group_id"].tolist() == list("aabcc")
    assert rows["label"].tolist() == ["COVID", *["non-COVID"] * 4]
    every = rows_of_question(SPLITS, None)
    assert every["label"].tolist() == [
        "COVID", "Normal", "Lung_Opacity", "Normal", "Viral Pneumonia"
    ]  # fmt: skip


def test_a_question_after_a_class_that_is_lacking_is_refused():
    with pytest.raises(CannotMakeError, match="no class Flu .*COVID, Lung_Opacity"):
        rows_of_question(SPLITS, "Flu")
