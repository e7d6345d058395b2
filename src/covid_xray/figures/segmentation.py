"""Lung masks: predicted against true ones, resizing, and how many lungs a mask has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray
from skimage.measure import find_contours

from covid_xray.figures import theme
from covid_xray.figures.montages import overlay_mask
from covid_xray.imaging.resizing import resize_lung_mask, resize_radiograph

_RANKS = ("best", "median", "worst")
_TRUE, _PREDICTED = theme.MASK, theme.STUDY
# The prediction lies thin on a wide truth: both show where they agree.
_TRUE_LINE, _PREDICTED_LINE = 1.3 * theme.LINE, 0.65 * theme.LINE
_TINT = 0.75
_LUNGS = 2

Pixels = NDArray[np.uint8]


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
    tinted = np.repeat(pixels[..., None], 3, axis=2).astype(np.float64)
    lung, taken = true > 0, predicted > 0
    for wrong, colour in ((lung & ~taken, _TRUE), (taken & ~lung, _PREDICTED)):
        tinted[wrong] += _TINT * (255 * np.array(to_rgb(colour)) - tinted[wrong])
    return np.rint(tinted).astype(np.uint8)


@dataclass(frozen=True)
class _Case:
    """A radiograph with its two masks, and its row of the table."""

    pixels: Pixels
    true: Pixels
    predicted: Pixels
    row: Any


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
    ranks = _by_rank(
        _Case(*case) for case in zip(pixels, true, predicted, table.itertuples(), strict=True)
    )
    columns = max(len(cases) for cases in ranks.values())
    tile = theme.TILE * (1 if columns > 1 else 1.25)
    figure, grid = theme.new_figure(
        len(ranks), 2 * columns,
        width=2 * columns * tile + 0.6, height=len(ranks) * (tile + 0.5) + 1.5,
    )  # fmt: skip
    for row, (rank, cases) in zip(grid, ranks.items(), strict=True):
        row[0].set_ylabel(f"{rank} Dice")
        for case, left, right in zip(cases, row[::2], row[1::2], strict=False):
            _draw_case(left, right, case, tile)
        for axes in row[2 * len(cases) :]:
            axes.remove()
    figure.legend(handles=_segmentation_key(), loc="outside lower left", ncols=2)
    theme.add_title(
        figure,
        title or "Predicted lung masks of held-out radiographs",
        "Left, the outlines of both masks; right, where they differ",
    )
    return figure


def _by_rank(cases: Iterable[_Case]) -> dict[str, list[_Case]]:
    ranks: dict[str, list[_Case]] = {rank: [] for rank in _RANKS}
    for case in cases:
        ranks[case.row.rank].append(case)
    return {rank: of_rank for rank, of_rank in ranks.items() if of_rank}


def _draw_case(left: Axes, right: Axes, case: _Case, tile: float) -> None:
    theme.show_radiograph(left, case.pixels, theme.wrapped(str(case.row.pair_id), tile))
    _draw_outline(left, case.true, _TRUE, _TRUE_LINE)
    _draw_outline(left, case.predicted, _PREDICTED, _PREDICTED_LINE)
    label = theme.class_name(str(case.row.label))
    theme.show_radiograph(
        right, tint_errors(case.pixels, case.true, case.predicted), theme.wrapped(label, tile)
    )
    left.set_xlabel(f"Dice {_number(case.row.dice, '.3f')}", fontsize=theme.SMALL_SIZE)
    distance = _number(case.row.hausdorff, ".1f", " px")
    right.set_xlabel(f"Hausdorff {distance}", fontsize=theme.SMALL_SIZE)


def _number(value: float, style: str, unit: str = "") -> str:
    # An empty mask is at no distance from another.
    return f"{value:{style}}{unit}" if np.isfinite(value) else "undefined"


def _draw_outline(axes: Axes, mask: Pixels, colour: str, width: float) -> None:
    lines = LineCollection(outline(mask), colors=colour, linewidths=width)
    axes.add_collection(lines, autolim=False)


def _segmentation_key() -> list[Line2D | Patch]:
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
    figure, grid = theme.new_figure(
        1, 2, width=4.4 * theme.TILE + 0.4, height=2.2 * theme.TILE + 1.2
    )
    before, after = grid[0]
    theme.show_radiograph(before, overlay_mask(pixels, _laid_over(mask, pixels.shape)))
    theme.show_radiograph(after, overlay_mask(resized, resized_mask))
    before.set_title(f"Before\n{_sizes(pixels, mask)}")
    after.set_title(f"After\n{_sizes(resized, resized_mask)}")
    beyond = not alike and np.less(mask.shape, pixels.shape).any()
    if beyond:
        _frame_mask(before, mask)
    theme.add_title(
        figure,
        "Radiographs resized to their lung masks",
        f"Both came as {_size(mask)}: there was nothing to resize" if alike
        else "Before, the mask lies pixel on pixel from the top left corner"
        + " (dashed: its frame)" * bool(beyond),
    )  # fmt: skip
    return figure


def _laid_over(mask: Pixels, shape: tuple[int, ...]) -> Pixels:
    """The mask cut off, or filled up with zeros, at the right and the bottom."""
    laid = np.zeros(shape, np.uint8)
    part = mask[: shape[0], : shape[1]]
    laid[: part.shape[0], : part.shape[1]] = part
    return laid


def _frame_mask(axes: Axes, mask: Pixels) -> None:
    height, width = mask.shape
    axes.add_patch(
        Rectangle(
            (-0.5, -0.5), width, height, fill=False, edgecolor=theme.MASK, linestyle="--",
            linewidth=0.6 * theme.LINE,
        )
    )  # fmt: skip


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
    by_class = two.groupby(quality["label"].astype(str)).agg(["sum", "count"])
    labels = [str(label) for label in by_class.index]
    colours = theme.class_colours(labels)
    places = range(len(labels))
    figure, grid = theme.new_figure(height=1.1 + 0.42 * len(labels))
    axes: Axes = grid[0, 0]
    whole = axes.barh(places, 1, height=0.72, color=theme.GRID)
    axes.barh(
        places, by_class["sum"] / by_class["count"], height=0.72,
        color=[colours[label] for label in labels],
    )  # fmt: skip
    axes.bar_label(whole, _shares(by_class), padding=5)
    axes.set_yticks(places, [theme.class_name(label) for label in labels])
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, 1.4)  # room for the texts
    theme.add_title(
        figure,
        "Lung masks of exactly two parts",
        "Share of radiographs, before the masks' cleaning",
    )
    return figure


def _shares(by_class: pd.DataFrame) -> Sequence[str]:
    return [
        f"{two / n:.1%}  ({two:,} of {n:,})"
        for two, n in zip(by_class["sum"], by_class["count"], strict=True)
    ]
