"""Grad-CAM heatmaps over right and wrong predictions of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import predicted_positions, right_and_wrong
from covid_xray.figures import theme
from covid_xray.figures.panels import Panel, add_colour_key, draw_panels

_OF_EACH = 2
_KEY = "evidence for the predicted class, as a share of the radiograph's strongest"


@dataclass(frozen=True)
class GradCamRow:
    """Predictions of one model, explained.

    Attributes:
        title: name of the model.
        radiographs: uint8 array (k, side, side).
        heatmaps: float32 array (k, side, side), 0 to 1, of the predicted class.
        captions: one per radiograph, as `panel_caption` writes it.
        is_right: for each radiograph, whether its prediction is right.
    """

    title: str
    radiographs: NDArray[np.uint8]
    heatmaps: NDArray[np.float32]
    captions: list[str]
    is_right: list[bool]


def panel_caption(image_id: str, true: str, predicted: str, probability: float) -> str:
    """What stands over a panel: the radiograph, its class, and its prediction.

    Args:
        image_id: identifier of the radiograph.
        true: label of its class.
        predicted: label of the predicted class.
        probability: of the predicted class, 0 to 1.
    """
    return (
        f"{image_id}\ntrue: {theme.class_name(true)}\n"
        f"predicted: {theme.class_name(predicted)}\nprobability {probability:.1%}"
    )


def explain_predictions(
    title: str,
    classifier: Any,
    predictions: pd.DataFrame,
    pixels: Any,
    row_of: pd.Series,
    seed: int,
) -> GradCamRow:
    """Two right and two wrong test predictions of a model, with their heatmaps.

    Args:
        title: name of the model.
        classifier: its Keras model.
        predictions: its predictions.
        pixels: what it sees: uint8 (n, side, side), or what gives such rows.
        row_of: row of `pixels` by `image_id`.
        seed: seed of the draw of examples.
    """
    from covid_xray.models.grad_cam import grad_cam

    shown = right_and_wrong(predictions, _OF_EACH, seed)
    seen = pixels[row_of[shown["image_id"]].to_numpy()]
    heatmaps = grad_cam(classifier, seen, predicted_positions(shown))
    captions = [
        panel_caption(
            row["image_id"], row["label"], row["predicted"], row[f"probability_{row['predicted']}"]
        )
        for _, row in shown.iterrows()
    ]
    return GradCamRow(
        title, seen, heatmaps, captions, (shown["predicted"] == shown["label"]).tolist()
    )


@theme.themed
def draw_grad_cam_panels(rows: Sequence[GradCamRow]) -> Figure:
    """Heatmaps over two right and two wrong predictions of each model (Report A, Figure 16).

    Args:
        rows: one per model; of each, the first two right and the first two wrong predictions are
            shown. A panel stays empty where there are fewer.
    """
    if not rows:
        return theme.say("No prediction of a model was explained by Grad-CAM.")
    figure, grid = draw_panels(
        [_side(row, "right") + _side(row, "wrong") for row in rows],
        [row.title for row in rows],
        title="Where the models find their evidence (Grad-CAM)",
        subtitle="Of each model, two right predictions, then two wrong ones",
        tile=1.25 * theme.TILE,
        below=0.7,
    )
    mapping = ScalarMappable(Normalize(0, 1), theme.HEAT)
    add_colour_key(figure, grid, mapping, _KEY, shrink=0.5, aspect=28)
    return figure


def _side(row: GradCamRow, verdict: str) -> list[Panel]:
    """The panels of the right or of the wrong predictions, blank where there are too few."""
    wanted = verdict == "right"
    places = [place for place, is_right in enumerate(row.is_right) if is_right == wanted]
    shown = [_panel(row, place, verdict) for place in places[:_OF_EACH]]
    blank = Panel(None, f"no {'other ' * bool(shown)}{verdict}\nprediction")
    return shown + [blank] * (_OF_EACH - len(shown))


def _panel(row: GradCamRow, place: int, verdict: str) -> Panel:
    heat = row.heatmaps[place]
    caption = verdict if heat.any() else f"{verdict}, no evidence"
    colour = theme.KEPT if verdict == "right" else theme.DROPPED
    return Panel(row.radiographs[place], row.captions[place], caption, colour, heat=heat)
