"""Single figures that the reports publish in their text."""

from __future__ import annotations

import pandas as pd


def published_value(published: pd.DataFrame, quantity: str, report: str = "A") -> float:
    """A published figure, by name.

    Args:
        published: the table `report, quantity, value`.
        quantity: name of the figure.
        report: `A` or `B`.

    Raises:
        KeyError: if the table does not have the figure.
    """
    found = published[(published["report"] == report) & (published["quantity"] == quantity)]
    if found.empty:
        raise KeyError(f"published_figures has no '{quantity}' of Report {report}.")
    return float(found["value"].iloc[0])
