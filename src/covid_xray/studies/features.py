"""Exploratory features of radiographs and augmented images, at the size they are stored in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.features import EXPLORATORY_FEATURES, exploratory_features
from covid_xray.studies.reading import RADIOGRAPH_FEATURES
from covid_xray.studies.variants import STUDY_VARIANTS
from covid_xray.tables import columns_of, table

Images = NDArray[np.uint8]

ROW_FEATURES = table(
    "a radiograph or augmented image, measured at the size it is stored in",
    columns_of(STUDY_VARIANTS, "image_id", "label", "array", "row")
    | columns_of(RADIOGRAPH_FEATURES, *EXPLORATORY_FEATURES),
)


def measure_rows(arrays: Mapping[str, tuple[Images, Images]], rows: pd.DataFrame) -> pd.DataFrame:
    """The five features of every row of a list.

    Args:
        arrays: radiographs and their lung masks, uint8 (n, side, side), by array name.
        rows: rows of `STUDY_VARIANTS`.

    Returns:
        Table `ROW_FEATURES`, array by array.
    """
    parts = []
    for array, of_array in rows.groupby("array", sort=False):
        measured = exploratory_features(*arrays[str(array)], of_array["row"].to_numpy())
        keys = of_array[["image_id", "label", "array", "row"]].reset_index(drop=True)
        parts.append(pd.concat([keys, measured], axis="columns"))
    return pd.concat(parts, ignore_index=True)
