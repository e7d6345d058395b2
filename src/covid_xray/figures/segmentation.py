"""Lung masks: predicted against true ones, resizing, and how many lungs a mask has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray
from skimage.measure import find_contours

from covid_xray.figures import theme
from covid_xray.figures.marks import BAR, draw_class_bars
from covid_xray.figures.montages import Pixels, overlay_mask, tint
from covid_xray.figures.panels import Panel, draw_panels
from covid_xray.imaging.resizing import resize_lung_mask, resize_radiograph

_RANKS = ("best", "median", "worst")
_TRUE, _PREDICTED = theme.MASK, theme.STUDY
# The prediction lies thin on a wide truth: both show where they agree.
_TRUE_LINE, _PREDICTED_LINE = 1.3 * theme.LINE, 0.65 * theme.LINE
_TINT = 0.75
_LUNGS = 2

_Case = tuple[Pixels, Pixels, Pixels, Any]


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
    ranks: dict[str, list[_Case]] = {rank: [] for rank in _RANKS}
    for case in zip(pixels, true, predicted, table.itertuples(), strict=True):
        ranks[case[-1].rank].append(case)
    drawn = {f"{rank} Dice": cases for rank, cases in ranks.items() if cases}
    figure, grid = draw_panels(
        [[panel for case in cases for panel in _pair(*case)] for cases in drawn.values()],
        list(drawn),
        title=title or "Predicted lung masks of held-out radiographs",
        subtitle="Left, the outlines of both masks; right, where they differ",
        tile=theme.TILE * (1.25 if len(table) == 1 else 1),
        below=0.5,
    )
    for cells, cases in zip(grid, drawn.values(), strict=True):
        for axes, (_, of_truth, of_prediction, _) in zip(cells[::2], cases, strict=False):
            _draw_outline(axes, of_truth, _TRUE, _TRUE_LINE)
            _draw_outline(axes, of_prediction, _PREDICTED, _PREDICTED_LINE)
    figure.legend(handles=_key(), loc="outside lower left", ncols=2)
    return figure


def _pair(pixels: Pixels, true: Pixels, predicted: Pixels, row: Any) -> tuple[Panel, Panel]:
    """The panels of the outlines and of the errors."""
    errors = tint_errors(pixels, true, predicted)
    # An empty mask is at no distance from another.
    distance = f"{row.hausdorff:.1f} px" if np.isfinite(row.hausdorff) else "undefined"
    return (
        Panel(pixels, str(row.pair_id), f"Dice {row.dice:.3f}"),
        Panel(errors, theme.class_name(str(row.label)), f"Hausdorff {distance}"),
    )


def _draw_outline(axes: Axes, mask: Pixels, colour: str, width: float) -> None:
    lines = LineCollection(outline(mask), colors=colour, linewidths=width)
    axes.add_collection(lines, autolim=False)


def _key() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=_TRUE, linewidth=_TRUE_LINE, label="true mask"),
        Line2D([], [], color=_PREDICTED, linewidth=_PREDICTED_LINE, label="predicted mask"),
        Patch(facecolor=_TRUE, label="lung that was missed"),
        Patch(facecolor=_PREDICTED, label="predicted outside the lungs"),
    ]


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
    before = overlay_mask(pixels, _laid_over(mask, pixels.shape))
    after = overlay_mask(resized, resized_mask)
    beyond = not alike and np.less(mask.shape, pixels.shape).any()
    note = "Before, the mask lies pixel on pixel from the top left corner"
    figure, grid = draw_panels(
        [
            [
                Panel(before, f"Before\n{_sizes(pixels, mask)}"),
                Panel(after, f"After\n{_sizes(resized, resized_mask)}"),
            ]
        ],
        title="Radiographs resized to their lung masks",
        subtitle=f"Both came as {_size(mask)}: there was nothing to resize"
        if alike
        else note + " (dashed: its frame)" * bool(beyond),
        tile=2.2 * theme.TILE,
    )
    if beyond:
        height, width = mask.shape
        look = {"fill": False, "edgecolor": theme.MASK, "linestyle": "--"}
        grid[0, 0].add_patch(Rectangle((-0.5, -0.5), width, height, **look))
    return figure


def _laid_over(mask: Pixels, shape: tuple[int, ...]) -> Pixels:
    """The mask cut off, or filled up with zeros, at the right and the bottom."""
    laid = np.zeros(shape, np.uint8)
    part = mask[: shape[0], : shape[1]]
    laid[: part.shape[0], : part.shape[1]] = part
    return laid


def _size(picture: Pixels) -> str:
    """Width and height, as is usual for pictures."""
    return f"{picture.shape[1]} × {picture.shape[0]}"


def _sizes(pixels: Pixels, mask: Pixels) -> str:
    return f"radiograph {_size(pixels)}, mask {_size(mask)}"


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
    theme.add_title(figure, "Lung masks of exactly two parts", subtitle)
    return figure
