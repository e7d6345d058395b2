"""Marks that figures share: bars of classes, axes in per cent, names at the ends of lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
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
    axes.set_ylim(len(lengths) - 0.5, -0.5)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def in_percent(axes: Axes, which: str, decimals: int | None = 0) -> None:
    """Write shares in per cent along `x`, `y` or `both`, with thin lines behind the data."""
    axes.grid(visible=True, axis=which)  # type: ignore[arg-type]
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if which in (name, "both"):
            axis.set_major_formatter(PercentFormatter(1, decimals))


def count_axis(axes: Axes) -> None:
    """Mark a few whole numbers on the y axis, with thin lines behind the data."""
    axes.grid(axis="y")
    axes.locator_params(axis="y", nbins=3, integer=True)
    axes.yaxis.set_major_formatter("{x:,.0f}")


def add_key(figure: Figure, **options: Any) -> Legend:
    """A legend under all axes of what is labelled in any of them; options are for the legend."""
    key: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        key |= dict(zip(labels, handles, strict=True))
    return figure.legend(list(key.values()), list(key), loc="outside lower left", **options)


def label_line_ends(axes: Axes) -> None:
    """Write each line's label right of the axes at the height of its end, none over another.

    The axes have their final limits; titles and axis labels come before this.
    """
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # only the layout knows how high the axes are
    low, high = axes.get_ylim()
    text_height = theme.SMALL_SIZE * 1.4 / 72 * figure.dpi
    gap = (high - low) * text_height / axes.get_window_extent().height
    ends = np.array([np.asarray(line.get_ydata(), np.float64)[-1] for line in axes.lines])
    where = theme.look(transform=axes.get_yaxis_transform(), va="center")
    for line, height in zip(axes.lines, spread(ends, gap), strict=True):
        axes.text(1.02, height, str(line.get_label()), color=line.get_color(), **where)


def spread(heights: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Move heights as little as needed, keeping their order, to be at least `gap` apart."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    placed = np.empty_like(heights)
    placed[order] = isotonic_regression(heights[order] - steps).x + steps
    return placed
