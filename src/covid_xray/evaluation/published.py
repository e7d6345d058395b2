"""Our figures beside those that the reports publish."""

from __future__ import annotations

from collections.abc import Sequence

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


def stand_beside(
    ours: pd.DataFrame, published: pd.DataFrame, figures: Sequence[str]
) -> pd.DataFrame:
    """Our table with the published figures of the same rows.

    Args:
        ours: our figures, indexed by what names a row.
        published: the published ones, indexed likewise (over a MultiIndex, with equal types).
        figures: columns of both tables.

    Returns:
        Our table, with `<figure>_published` and `<figure>_difference` (ours minus published;
        missing for rows that the report does not have) for each figure.
    """
    theirs = published.reindex(ours.index)
    columns = {}
    for figure in figures:
        columns[f"{figure}_published"] = theirs[figure]
        columns[f"{figure}_difference"] = ours[figure] - theirs[figure]
    return ours.assign(**columns)
