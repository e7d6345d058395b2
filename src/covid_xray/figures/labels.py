"""Names written at the end of lines, instead of a legend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from covid_xray.figures import theme


def label_line_ends(axes: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write each line's name right of the axes at the height of its end, none over another.

    Args:
        axes: axes with their final limits; titles and axis labels come before this.
        ends: height of the line's end and colour of the text, per name.
    """
    figure = axes.get_figure(root=True)
    if figure is None or not ends:
        return
    figure.draw_without_rendering()  # only the layout knows how high the axes are
    low, high = axes.get_ylim()
    line = theme.SMALL_SIZE * 1.4 / 72 * figure.dpi
    gap = (high - low) * line / axes.get_window_extent().height
    heights = spread(np.array([end for end, _ in ends.values()]), gap)
    for (name, (_, colour)), height in zip(ends.items(), heights, strict=True):
        axes.annotate(
            name, (1, height), xycoords=("axes fraction", "data"), xytext=(7, 0),
            textcoords="offset points", color=colour, va="center", fontsize=theme.SMALL_SIZE,
            annotation_clip=False,
        )  # fmt: skip


def spread(heights: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Move heights as little as needed, keeping their order, to be at least `gap` apart."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    wanted = heights[order] - steps
    # Isotonic regression by pooling: neighbours too close share the mean of what they wanted.
    blocks: list[list[float]] = []
    for value in wanted:
        blocks.append([float(value)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    placed = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks] or [wanted])
    result = np.empty_like(placed)
    result[order] = placed + steps
    return result
