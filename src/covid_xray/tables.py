"""Columns of tables, written once as executable schemas; these are the ones that many tables share.

A catalog entry names the schema of its table (`validator`), and Kedro holds every saved one to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd
import pandera.pandas as pa

from covid_xray.split import Split

Text = partial(pa.Column, str)
Whole = partial(pa.Column, int)
Number = partial(pa.Column, float)
Flag = partial(pa.Column, bool)
# A number that is missing where it can't be measured or is not published.
Maybe = partial(pa.Column, float, nullable=True)
MaybeText = partial(pa.Column, str, nullable=True)

IMAGE_ID = Text(description="name of the radiograph, unique in the study")
LABEL = Text(description="class of the radiograph")
GROUP_ID = Text(description="duplicates, and radiographs of one patient: image_id of their first")
SPLIT = Text(pa.Check.isin(list(map(str, Split))), description="train, validation or test")
ARRAY = Text(description="array that holds the pixels")
ROW = Whole(description="row of that array")
EPOCH = Whole(description="number of the epoch, from 0")
NOTE = Text(description="why a number is missing; empty if none is")


def bounded(name: str, description: str) -> dict[str, pa.Column]:
    """A score and the bounds of its interval, all three missing where it can't be measured."""
    return {
        name: Maybe(description=description),
        f"{name}_low": Maybe(description="lower bound"),
        f"{name}_high": Maybe(description="upper bound"),
    }


def columns_of(schema: pa.DataFrameSchema, *names: str) -> dict[str, pa.Column]:
    """Some columns of a table, for another table that has them too."""
    return {name: schema.columns[name] for name in names}


def table(
    description: str, columns: Mapping[str, pa.Column], *, others: bool = False
) -> pa.DataFrameSchema:
    """The schema of a table with these columns, in this order.

    Args:
        description: what a row is.
        columns: a column by name, each with a description that gives its unit.
        others: whether there may be other columns, anywhere.
    """

    def give_types(frame: pd.DataFrame) -> pd.DataFrame:
        # A table without rows, of a study with one class for instance, has no value to tell them.
        if len(frame):
            return frame
        types = {name: column.dtype for name, column in columns.items() if name in frame}
        typed = {name: type_.coerce(frame[name]) for name, type_ in types.items() if type_}
        return frame.assign(**typed)

    return pa.DataFrameSchema(
        dict(columns),
        parsers=pa.Parser(give_types),
        strict=not others,
        ordered=not others,
        description=description,
    )
