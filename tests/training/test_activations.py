"""Activations are taken for what they were computed from, and for nothing else."""

import numpy as np
import pytest

from covid_xray.records import StaleError
from covid_xray.training.activations import Activations

RECORD = {"weights": "1f", "images": "9c", "input_side": 224, "dtype": "float32"}
CACHED = Activations(RECORD, np.arange(6, dtype=np.float32).reshape(3, 2))


def test_activations_of_the_same_record_are_given_as_they_are():
    assert CACHED.checked(dict(reversed(RECORD.items()))) is CACHED.rows


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"images": "9d"}, "images 9c -> 9d"),
        ({"input_side": 64}, "input_side 224 -> 64"),
        ({"weights": "2f", "dtype": "float16"}, "weights 1f -> 2f; dtype float32 -> float16"),
        ({"cut": "new"}, "cut None -> new"),
    ],
)
def test_what_changed_is_told_with_the_run_that_mends_it(change, told):
    with pytest.raises(StaleError) as raised:
        CACHED.checked(RECORD | change)
    assert f"({told})." in str(raised.value)
    assert "plain `kedro run`" in str(raised.value)
