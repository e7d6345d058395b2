"""Lung masks of a study's radiographs: the given ones, predicted ones, or both."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream
from covid_xray.imaging.features import EXPLORATORY_FEATURES, exploratory_features
from covid_xray.tables import IMAGE_ID, LABEL, Maybe, Number, Whole, table

Masks = NDArray[np.uint8]

MASK_FEATURES = EXPLORATORY_FEATURES[2:]
MASK_QUALITY = table(
    "a radiograph of the index, and its predicted lung mask",
    {
        "image_id": IMAGE_ID,
        "label": LABEL,
        "area": Number(description="share of the picture that is lung"),
        "n_components": Whole(description="components before all but two were removed"),
        "agreement": Maybe(description="Dice with the given mask; missing without one"),
    },
)


class MaskSource(StrEnum):
    """Which lung masks are used after segmentation."""

    PROVIDED = "provided"
    PREDICTED = "predicted"
    PROVIDED_ELSE_PREDICTED = "provided_else_predicted"

    def is_predicted(self, has_mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether each radiograph, with or without a given mask, is given the predicted one."""
        if self is MaskSource.PROVIDED_ELSE_PREDICTED:
            return ~has_mask
        return np.full(len(has_mask), self is MaskSource.PREDICTED)


def choose_masks(
    masks: Masks, predicted_masks: Masks, use_predicted: NDArray[np.bool_]
) -> RowStream:
    """The given or the predicted mask of each radiograph, 0/1 uint8 (n, side, side)."""
    chosen = (
        (predicted_masks if predicted else masks)[row : row + 1]
        for row, predicted in enumerate(use_predicted)
    )
    return RowStream(masks.shape, np.uint8, chosen)


def measure_inside(
    radiograph_features: pd.DataFrame, images: Masks, masks: Masks, rows: NDArray[np.intp]
) -> pd.DataFrame:
    """The features with those inside the lungs of some rows measured anew, at the stored size."""
    features = radiograph_features.copy()
    if len(rows):
        measured = exploratory_features(images, masks, rows)
        inside = list(MASK_FEATURES)
        features.loc[rows, inside] = measured[inside].to_numpy()
    return features


def mean_mask(masks: Masks, rows: Sequence[int] | NDArray[np.intp]) -> Masks:
    """The pixels that are lung in at least half of some masks, 0/1 uint8 (side, side).

    It is what a method predicts that looks at no radiograph.

    Args:
        masks: 0/1 uint8 array (n, side, side).
        rows: training rows.
    """
    total = np.zeros(masks.shape[1:], np.int64)
    for row in rows:
        total += masks[row]
    return (2 * total >= len(rows)).astype(np.uint8)
