"""Schemas of tables: what they let pass, and how."""

import pandas as pd
import pandera.errors
import pytest

from covid_xray.tables import Flag, Maybe, Number, Text, Whole, table

ROWS = table(
    "a row of a test",
    {
        "name": Text(description="a text"),
        "n": Whole(description="a count"),
        "share": Number(description="a number"),
        "p": Maybe(description="a number that may be missing"),
        "kept": Flag(description="a flag"),
    },
)
FILLED = pd.DataFrame({"name": ["a"], "n": [1], "share": [0.5], "p": [None], "kept": [True]})
FILLED["p"] = FILLED["p"].astype(float)


def test_a_table_without_rows_has_the_types_of_its_schema():
    empty = ROWS.validate(pd.DataFrame(columns=list(ROWS.columns)))
    assert empty.dtypes.to_dict() == FILLED.iloc[:0].dtypes.to_dict()


@pytest.mark.parametrize(
    "frame",
    [
        FILLED.assign(n=1.5),
        FILLED.assign(kept="yes"),
        FILLED.drop(columns="share"),
        FILLED.iloc[:0].drop(columns="share"),
        FILLED.iloc[:0].assign(other=1),
    ],
)
def test_a_table_of_another_shape_is_refused_with_or_without_rows(frame):
    ROWS.validate(FILLED)
    with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors)):
        ROWS.validate(frame)
