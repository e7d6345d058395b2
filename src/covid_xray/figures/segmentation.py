"""Lung masks: predicted against true ones, resizing, and how many lungs a mask has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from skimage.measure import find_contours

from covid_xray.figures import theme
from covid_xray.figures.marks import BAR, add_key, draw_class_bars
from covid_xray.figures.montages import Pixels, tint
from covid_xray.figures.panels import Panel, draw_panels
from covid_xray.imaging.resizing import resize_lung_mask, resize_radiograph

_RANKS = ("best", "median", "worst")
_TRUE, _PREDICTED = theme.MASK, theme.STUDY
_TINT = 0.75
_LUNGS = 2
_NOTE = "Left, both outlines; right, what only one mask takes for lung, in its colour"


def outline(mask: Pixels) -> list[NDArray[np.float64]]:
    """Closed lines (x, y) halfway between the pixels of a mask and those around it.

    Args:
        mask: array (height, width), 1 in the lungs and 0 outside.
    """
    # A border of nothing closes the lines of lungs that reach the edge of the picture.
    inside = np.pad(mask > 0, 1).astype(np.float64)
    lines = find_contours(inside, 0.5)  # type: ignore[no-untyped-call]
    return [line[:, ::-1] - 1 for line in lines]


def tint_errors(pixels: Pixels, true: Pixels, predicted: Pixels) -> Pixels:
    """Tint a radiograph where two masks differ, in the colour of the one that is alone there.

    Args:
        pixels: uint8 array (height, width).
        true: array (height, width), 1 in the lungs and 0 outside.
        predicted: array (height, width), 1 where lungs were predicted.

    Returns:
        uint8 RGB array (height, width, 3); grey as it was where both masks agree.
    """
    lung, taken = true > 0, predicted > 0
    missed = tint(pixels, lung & ~taken, _TRUE, _TINT)
    return tint(missed, taken & ~lung, _PREDICTED, _TINT)


@theme.themed
def draw_segmentation_examples(
    pixels: Pixels, true: Pixels, predicted: Pixels, table: pd.DataFrame, title: str = ""
) -> Figure:
    """Outlines of true and predicted lung masks on radiographs, and where they differ.

    Args:
        pixels: uint8 array (n, height, width).
        true: array (n, height, width), 1 in the lungs and 0 outside.
        predicted: array (n, height, width), 1 where lungs were predicted.
        table: a row per radiograph: `pair_id, label, dice, hausdorff` (in pixels) and `rank`, which
            is `best`, `median` or `worst`. Each rank is a row of the figure.
        title: title of the figure.
    """
    if not len(pixels):
        return theme.say("No lung masks were predicted for held-out radiographs.")
    ranks: dict[str, list[Panel]] = {rank: [] for rank in _RANKS}
    for picture, lungs, found, row in zip(
        pixels, true, predicted, table.to_dict("records"), strict=True
    ):
        ranks[row["rank"]] += _pair(picture, lungs, found, row)
    drawn = {f"{rank} Dice": panels for rank, panels in ranks.items() if panels}
    figure, _ = draw_panels(
        list(drawn.values()),
        list(drawn),
        title=title or "Predicted lung masks of held-out radiographs",
        subtitle=_NOTE,
        below=0.3,
    )
    add_key(figure, ncols=2)
    return figure


def _pair(pixels: Pixels, true: Pixels, predicted: Pixels, row: Any) -> list[Panel]:
    """The panels of the outlines and of the errors."""
    errors = tint_errors(pixels, true, predicted)
    # An empty mask is at no distance from another.
    distance = f"{row['hausdorff']:.1f} px" if np.isfinite(row["hausdorff"]) else "undefined"
    # The prediction lies thin on a wide truth: both show where they agree.
    truth = _lines(true, _TRUE, 1.3 * theme.LINE, label="true mask")
    found = _lines(predicted, _PREDICTED, 0.65 * theme.LINE, label="predicted mask")
    left = Panel(pixels, str(row["pair_id"]), f"Dice {row['dice']:.3f}", outlines=[truth, found])
    return [left, Panel(errors, theme.class_name(str(row["label"])), f"Hausdorff {distance}")]


def _lines(
    mask: Pixels, colour: str = theme.MASK, width: float = theme.LINE, **options: Any
) -> LineCollection:
    return LineCollection(outline(mask), colors=colour, linewidths=width, **options)


@theme.themed
def draw_resizing(pixels: Pixels, mask: Pixels) -> Figure:
    """A radiograph under its lung mask, before and after it got the mask's size (Report B).

    Args:
        pixels: uint8 array (height, width), the radiograph as it came.
        mask: array (height, width), 1 in the lungs and 0 outside, as it came.
    """
    alike = pixels.shape == mask.shape
    # Radiographs are resized to squares: a mask that is none is stretched to one too.
    side = mask.shape[0]
    resized = pixels if alike else resize_radiograph(pixels, side)
    resized_mask = mask if alike else resize_lung_mask(mask, (side, side))
    frame = [] if alike else [_lines(np.ones_like(mask), linestyle="--")]
    panels = [
        Panel(pixels, f"Before\n{_sizes(pixels, mask)}", outlines=[_lines(mask), *frame]),
        Panel(resized, f"After\n{_sizes(resized, resized_mask)}", outlines=[_lines(resized_mask)]),
    ]
    note = "Both came in one size: there was nothing to resize"
    if not alike:
        note = "Before, the mask lies pixel on pixel from the top left corner (dashed: its frame)"
    title = "Radiographs resized to their lung masks"
    return draw_panels([panels], title=title, subtitle=note, tile=2.2 * theme.TILE)[0]


def _sizes(pixels: Pixels, mask: Pixels) -> str:
    """Widths and heights, as is usual for pictures."""
    (height, width), (mask_height, mask_width) = pixels.shape, mask.shape
    return f"radiograph {width} × {height}, mask {mask_width} × {mask_height}"


@theme.themed
def draw_mask_quality(quality: pd.DataFrame) -> Figure:
    """Share of each class whose masks have two parts, as there are two lungs.

    The areas and agreements of these masks are for `draw_distribution`.

    Args:
        quality: a row per radiograph: `label` and `n_components`, the parts of its mask before
            cleaning.
    """
    if not len(quality):
        return theme.say("There are no lung masks in this study whose parts could be counted.")
    two = quality["n_components"] == _LUNGS
    by_class = two.groupby(quality["label"].astype(str)).agg(["sum", "count", "mean"])
    texts = [
        f"{share:.1%}  ({n_two:,} of {n:,})" for n_two, n, share in by_class.itertuples(index=False)
    ]
    figure, grid = theme.new_figure(height=1.1 + BAR * len(by_class))
    draw_class_bars(grid[0, 0], by_class["mean"], texts, whole=1)
    grid[0, 0].set_xlim(0, 1.4)  # room for the texts
    subtitle = "Share of radiographs, before the masks' cleaning"
    return theme.titled(figure, "Lung masks of exactly two parts", subtitle)
