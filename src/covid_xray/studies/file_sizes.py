"""Report A's Table 1: file sizes."""

from __future__ import annotations

import pandas as pd

from covid_xray.evaluation.published import stand_beside

SIZE_COLUMNS = ["mean_bytes", "median_bytes", "std_bytes", "min_bytes", "max_bytes", "n_images"]


def file_size_table(index: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Report A's Table 1: bytes on disk per class, over all radiographs.

    The standard deviation is the sample's (ddof = 1), as the published figures turn out to be.

    Args:
        index: the study's index.
        published: the published table.

    Returns:
        One row per class: each figure, then `<figure>_published` and `<figure>_difference`
        (ours minus published; missing for classes the report does not have).
    """
    sizes = index.groupby("label")["n_bytes"]
    table = sizes.agg(["mean", "median", "std", "min", "max", "size"])
    table.columns = pd.Index(SIZE_COLUMNS)
    return stand_beside(table, published.set_index("label"), SIZE_COLUMNS).reset_index()
