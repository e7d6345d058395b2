"""Grad-CAM heatmaps over right and wrong predictions of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import predicted_positions, right_and_wrong
from covid_xray.figures import theme

_OF_EACH = 2
_TILE = 1.25 * theme.TILE
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
    figure, grid = theme.new_figure(
        len(rows), 2 * _OF_EACH,
        width=2 * _OF_EACH * _TILE + 0.6, height=len(rows) * (_TILE + 0.95) + 1.3,
    )  # fmt: skip
    for cells, row in zip(grid, rows, strict=True):
        _draw_side(cells[:_OF_EACH], row, is_right=True)
        _draw_side(cells[_OF_EACH:], row, is_right=False)
        cells[0].set_ylabel(theme.wrapped(row.title, _TILE))
    _add_key(figure, grid)
    theme.add_title(
        figure,
        "Where the models find their evidence (Grad-CAM)",
        "Of each model, two right predictions, then two wrong ones",
    )
    return figure


def _draw_side(cells: Sequence[Axes], row: GradCamRow, *, is_right: bool) -> None:
    places = [place for place, right in enumerate(row.is_right) if right == is_right]
    verdict = "right" if is_right else "wrong"
    for axes, place in zip(cells, places, strict=False):
        _draw_panel(axes, row, place, verdict)
    for axes in cells[len(places) :]:
        theme.bare(axes)
        axes.set_box_aspect(1)  # as high as the panels beside it
        axes.text(
            0.5, 0.5, f"no {'other ' * bool(places)}{verdict}\nprediction", ha="center",
            va="center", transform=axes.transAxes, color=theme.MUTED, fontsize=theme.SMALL_SIZE,
        )  # fmt: skip


def _draw_panel(axes: Axes, row: GradCamRow, place: int, verdict: str) -> None:
    lines = (theme.wrapped(line, _TILE) for line in row.captions[place].splitlines())
    theme.show_radiograph(axes, row.radiographs[place], "\n".join(lines))
    heat = row.heatmaps[place]
    axes.imshow(heat, cmap=theme.HEAT, vmin=0, vmax=1, interpolation="bilinear")
    colour = theme.KEPT if verdict == "right" else theme.DROPPED
    theme.frame(axes, colour)
    nothing = "" if heat.any() else ", no evidence"
    axes.set_xlabel(f"{verdict}{nothing}", color=colour, fontsize=theme.SMALL_SIZE)


def _add_key(figure: Figure, grid: NDArray[np.object_]) -> None:
    mapping = ScalarMappable(Normalize(0, 1), theme.HEAT)
    bar = figure.colorbar(mapping, ax=grid, location="bottom", shrink=0.5, aspect=28, pad=0.02)
    # The colours are see-through: they look as they do over the grey of a radiograph.
    bar.ax.set_facecolor(theme.TRAINING)
    bar.set_label(_KEY, fontsize=theme.SMALL_SIZE)
    bar.outline.set_visible(False)
    theme.style_ticks(bar.ax)
