"""Marks that several figures share: bars of classes, axes in per cent, names at the ends of lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from covid_xray.figures import theme

BAR = 0.42
"""Height of a bar with the gap to the next, in inches."""


def draw_class_bars(axes: Axes, lengths: pd.Series, texts: Sequence[str], whole: float = 0) -> None:
    """Bars from the top in the colours of their classes, each with a text at its end.

    Args:
        axes: axes of their own.
        lengths: length per class.
        texts: one per class.
        whole: length of a pale bar behind each, such as 1 behind a share.
    """
    places = range(len(lengths))
    colours = theme.class_colours(lengths.index)
    pale = axes.barh(places, lengths.clip(lower=whole), height=0.72, color=theme.GRID)
    axes.barh(places, lengths, height=0.72, color=[colours[label] for label in lengths.index])
    axes.bar_label(pale, texts, padding=5)
    axes.set_yticks(places, [theme.class_name(label) for label in lengths.index])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def in_percent(axes: Axes, which: str, decimals: int | None = 0) -> None:
    """Write shares in per cent along `x`, `y` or `both`, with thin lines behind the data."""
    axes.grid(visible=True, axis=which)  # type: ignore[arg-type]
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if which in (name, "both"):
            axis.set_major_formatter(PercentFormatter(1, decimals))


def haloed(text: Text) -> None:
    """Give a text an outline of paper, so that it reads on top of data."""
    text.set_path_effects([withStroke(linewidth=2.5, foreground=theme.PAPER)])


def label_line_ends(axes: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write each line's name right of the axes at the height of its end, none over another.

    Args:
        axes: axes with their final limits; titles and axis labels come before this.
        ends: height of the line's end and colour of the text, per name.
    """
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # only the layout knows how high the axes are
    low, high = axes.get_ylim()
    line = theme.SMALL_SIZE * 1.4 / 72 * figure.dpi
    gap = (high - low) * line / axes.get_window_extent().height
    heights = spread(np.array([end for end, _ in ends.values()]), gap)
    for (name, (_, colour)), height in zip(ends.items(), heights, strict=True):
        axes.annotate(
            name,
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(7, 0),
            textcoords="offset points",
            color=colour,
            va="center",
        )


def spread(heights: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Move heights as little as needed, keeping their order, to be at least `gap` apart."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    placed = np.empty_like(heights)
    placed[order] = isotonic_regression(heights[order] - steps).x + steps
    return placed
