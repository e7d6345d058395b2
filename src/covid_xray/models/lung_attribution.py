"""How much of a classifier's Grad-CAM lies inside the lungs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.lung_attribution import (
    lung_areas,
    share_inside_lungs,
    summarise_lung_attribution,
)
from covid_xray.evaluation.predictions import predicted_positions, select_split
from covid_xray.imaging.arrays import row_batches
from covid_xray.models.grad_cam import grad_cam

_BATCH = 64


def measure_lung_attribution(
    classifier: keras.Model,
    predictions: pd.DataFrame,
    pixels: Any,
    lung_masks: NDArray[np.uint8],
    row_of: pd.Series,
    intervals: Intervals,
) -> pd.DataFrame:
    """Explain a classifier's predictions of all test radiographs, and measure where they look.

    Args:
        classifier: flat Keras model.
        predictions: its predictions.
        pixels: what it sees: uint8 (n, side, side), or what gives such rows.
        lung_masks: 0/1 uint8 array of the same shape.
        row_of: row of both by `image_id`.
        intervals: of the scores.

    Returns:
        What `summarise_lung_attribution` returns.
    """
    test = select_split(predictions)
    rows, classes = row_of[test["image_id"]].to_numpy(), predicted_positions(test)
    shares, areas = [np.empty(0)], [np.empty(0)]
    for places in row_batches(np.arange(len(rows)), _BATCH, f"Grad-CAM of {classifier.name}"):
        masks = lung_masks[rows[places]]
        heatmaps = grad_cam(classifier, pixels[rows[places]], classes[places])
        shares.append(share_inside_lungs(heatmaps, masks))
        areas.append(lung_areas(masks))
    labels = test["label"].tolist()
    return summarise_lung_attribution(
        labels, np.concatenate(shares), np.concatenate(areas), intervals
    )
