"""Nodes that show where the models look (Report B, Visualisation avec le Grad-CAM)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.lung_attribution import (
    lung_areas,
    share_inside_lungs,
    summarise_lung_attribution,
)
from covid_xray.evaluation.predictions import select_split
from covid_xray.imaging.arrays import row_batches
from covid_xray.pipelines.modeling.describing import grad_cam_row, predicted_positions
from covid_xray.pipelines.screening.grid import MODELS, NAIVE, PAIR, TITLES
from covid_xray.pipelines.screening.parameters import ScreeningParameters
from covid_xray.studies.pixels import MaskedImages

Images = NDArray[np.uint8]
Figure: TypeAlias = Any
EXPLAINED = (*PAIR, NAIVE)
_BATCH = 64


def explain_screening(
    images: Images,
    equalised_images: Images,
    predicted_masks: Images,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
    intervals: Intervals,
    *models: Any,
) -> tuple[pd.DataFrame, Figure, Figure]:
    """Grad-CAM of the two models and of the naive one, and how much of it lies in the lungs.

    Args:
        images: the study's radiographs.
        equalised_images: the same, equalised.
        predicted_masks: their lung masks.
        splits: which row of these arrays each radiograph is.
        screening: its seed draws the examples.
        intervals: bootstrap intervals.
        *models: classifier and predictions of each of `EXPLAINED`, in turn.

    Returns:
        `model`, and what `summarise_lung_attribution` returns, over all test radiographs; its
        figure; and panels of right and wrong predictions.
    """
    from covid_xray.figures.grad_cam import draw_grad_cam_panels
    from covid_xray.figures.screening import draw_lung_attribution

    row_of = pd.Series(splits.index, index=splits["image_id"])
    lungs = MaskedImages(equalised_images, predicted_masks)
    tables, panels = [], []
    for name, classifier, predictions in zip(EXPLAINED, models[::2], models[1::2], strict=True):
        pixels = lungs if MODELS[name].masked else images
        table = _attribution(classifier, predictions, pixels, predicted_masks, row_of, intervals)
        tables.append(table.assign(model=name))
        panels.append(
            grad_cam_row(TITLES[name], classifier, predictions, pixels, row_of, screening.seed)
        )
    attribution = pd.concat(tables, ignore_index=True)
    attribution = attribution[["model", *attribution.columns.drop("model")]]
    figure = draw_lung_attribution(attribution.assign(model=attribution["model"].map(TITLES)))
    return attribution, figure, draw_grad_cam_panels(panels)


def _attribution(
    classifier: Any,
    predictions: pd.DataFrame,
    pixels: Images | MaskedImages,
    predicted_masks: Images,
    row_of: pd.Series,
    intervals: Intervals,
) -> pd.DataFrame:
    from covid_xray.models.grad_cam import grad_cam

    test = select_split(predictions)
    rows, classes = row_of[test["image_id"]].to_numpy(), predicted_positions(test)
    shares, areas = [np.empty(0)], [np.empty(0)]
    for places in row_batches(np.arange(len(rows)), _BATCH, f"Grad-CAM of {classifier.name}"):
        masks = predicted_masks[rows[places]]
        heatmaps = grad_cam(classifier, pixels[rows[places]], classes[places])
        shares.append(share_inside_lungs(heatmaps, masks))
        areas.append(lung_areas(masks))
    return summarise_lung_attribution(
        test["label"].tolist(),
        np.concatenate(shares),
        np.concatenate(areas),
        intervals,
    )
