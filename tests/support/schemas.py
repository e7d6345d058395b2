"""A table's schema, for tests of what reads schemas."""

import pandera.pandas as pa

COUNTS = pa.DataFrameSchema(
    {
        "label": pa.Column(str, description="its name"),
        "n": pa.Column(int, pa.Check.ge(0), description="its radiographs"),
    },
    strict=True,
    description="A class",
)
