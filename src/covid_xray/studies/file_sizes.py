"""Report A's Table 1: file sizes."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from covid_xray.evaluation.published import stand_beside
from covid_xray.tables import LABEL, Maybe, Number, Whole, table

_SIZES = {
    "mean_bytes": Number(description="mean size of the files, bytes"),
    "median_bytes": Number(description="median size, bytes"),
    "std_bytes": Maybe(description="sample standard deviation (ddof = 1), bytes"),
    "min_bytes": Whole(description="smallest size, bytes"),
    "max_bytes": Whole(description="largest size, bytes"),
    "n_images": Whole(description="number of files"),
}
SIZE_COLUMNS = list(_SIZES)
TABLE_1 = table(
    "a class of the study",
    {"label": LABEL}
    | _SIZES
    | {
        f"{size}_{beside}": pa.Column(nullable=True, description=words)
        for size in SIZE_COLUMNS
        for beside, words in (("published", "the report's"), ("difference", "ours minus it"))
    },
)


def file_size_table(radiograph_index: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Report A's Table 1: bytes on disk per class, over all radiographs.

    The standard deviation is the sample's, as the published figures turn out to be.

    Args:
        radiograph_index: table `RADIOGRAPH_INDEX`.
        published: the published table, with `label` and the same sizes.

    Returns:
        Table `TABLE_1`.
    """
    sizes = radiograph_index.groupby("label")["n_bytes"]
    ours = sizes.agg(["mean", "median", "std", "min", "max", "size"])
    ours.columns = pd.Index(SIZE_COLUMNS)
    return stand_beside(ours, published.set_index("label"), SIZE_COLUMNS).reset_index()
