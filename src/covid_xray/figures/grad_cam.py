"""Grad-CAM heatmaps over right and wrong predictions of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import (
    predicted_positions,
    probability_column,
    right_and_wrong,
)
from covid_xray.figures import theme
from covid_xray.figures.panels import Panel, add_colour_key, draw_panels

_OF_EACH = 2
_KEY = "evidence for the predicted class, as a share of the radiograph's strongest"


@dataclass(frozen=True)
class GradCamRow:
    """Predictions of one model, explained.

    Attributes:
        title: name of the model.
        right: panels of right predictions, as `explained_panel` makes them.
        wrong: panels of wrong predictions.
    """

    title: str
    right: list[Panel] = field(default_factory=list)
    wrong: list[Panel] = field(default_factory=list)


def explained_panel(
    pixels: NDArray[np.uint8], heat: NDArray[np.float32], answer: Mapping[Any, Any]
) -> Panel:
    """A radiograph under its heatmap, with its class, its prediction and the verdict.

    Args:
        pixels: uint8 array (height, width).
        heat: float32 array (height, width), 0 to 1, of the predicted class.
        answer: `image_id, label, predicted` and the `probability_<class>` of the predicted class.
    """
    true, predicted = theme.class_name(answer["label"]), theme.class_name(answer["predicted"])
    probability = answer[probability_column(answer["predicted"])]
    lines = [f"true: {true}", f"predicted: {predicted}", f"probability {probability:.1%}"]
    title = "\n".join([str(answer["image_id"]), *lines])
    is_right = true == predicted
    verdict, colour = ("right", theme.KEPT) if is_right else ("wrong", theme.DROPPED)
    caption = verdict if heat.any() else f"{verdict}, no evidence"
    return Panel(pixels, title, caption, colour, heat=heat)


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
    row = GradCamRow(title)
    for picture, heat, answer in zip(seen, heatmaps, shown.to_dict("records"), strict=True):
        side = row.right if answer["label"] == answer["predicted"] else row.wrong
        side.append(explained_panel(picture, heat, answer))
    return row


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
        [_filled(row.right, "right") + _filled(row.wrong, "wrong") for row in rows],
        [row.title for row in rows],
        title="Where the models find their evidence (Grad-CAM)",
        subtitle="Of each model, two right predictions, then two wrong ones",
        tile=1.25 * theme.TILE,
        below=0.7,
    )
    mapping = ScalarMappable(Normalize(0, 1), theme.HEAT)
    add_colour_key(figure, grid, mapping, _KEY, shrink=0.5, aspect=28)
    return figure


def _filled(panels: list[Panel], verdict: str) -> list[Panel]:
    """The first panels, with blank ones where there are too few."""
    blank = Panel(None, f"no {'other ' * bool(panels)}{verdict}\nprediction")
    return [*panels, *[blank] * _OF_EACH][:_OF_EACH]
