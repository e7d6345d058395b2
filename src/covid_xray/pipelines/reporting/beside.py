"""Our figures beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


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
