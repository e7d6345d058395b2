"""Grids of pictures, each with words over and under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.figures import theme

_LINE = 1.4 * theme.SMALL_SIZE / 72  # height of a line of text, in inches
_LEAST_WIDTH = 4.4  # inches: titles need it


@dataclass(frozen=True)
class Panel:
    """A picture of a grid.

    Attributes:
        pixels: array (height, width), or RGB (height, width, 3); None leaves the panel blank.
        title: words over it, or in the middle of a blank panel.
        caption: words under it.
        colour: of its frame and its caption; there is no frame without one.
        scale: colormap and limits for `imshow`; grey on 0-255 if not given.
        heat: array (height, width), 0 to 1, to lie over it.
        outlines: lines to lie over it.
    """

    pixels: NDArray[Any] | None
    title: str = ""
    caption: str = ""
    colour: str = ""
    scale: Mapping[str, Any] = field(default_factory=lambda: theme.GREY_LEVELS)
    heat: NDArray[Any] | None = None
    outlines: Sequence[LineCollection] = ()


def draw_panels(
    rows: Sequence[Sequence[Panel]],
    row_titles: Sequence[str] = (),
    *,
    title: str,
    subtitle: str = "",
    tile: float = theme.TILE,
    below: float = 0.0,
) -> tuple[Figure, NDArray[Any]]:
    """Draw rows of panels; the figure is as high as their words need.

    Args:
        rows: the panels; short rows are blank at the right.
        row_titles: one per row, at its left.
        title: title of the figure.
        subtitle: a line under it.
        tile: side of a picture, in inches.
        below: room under all rows, in inches.

    Returns:
        The figure, and an array (rows, columns) of axes.
    """
    columns = max(len(row) for row in rows)
    heights = [tile + _LINE * _lines(row, tile) + 0.1 for row in rows]
    width = max(columns * tile, _LEAST_WIDTH) + (0.5 if row_titles else 0.1)
    height = sum(heights) + (0.6 if subtitle else 0.4) + below
    size = theme.look(width=width, height=height, gridspec_kw={"height_ratios": heights})
    figure, grid = theme.new_figure(len(rows), columns, **size)
    for cells, row in zip(grid, rows, strict=True):
        for axes, panel in zip(cells, row, strict=False):
            _draw_panel(axes, panel, tile)
        for axes in cells[len(row) :]:
            axes.remove()
    for axes, row_title in zip(grid[:, 0], row_titles, strict=bool(row_titles)):
        axes.set_ylabel(theme.wrapped(row_title, tile))
    return theme.titled(figure, title, subtitle), grid


def _lines(row: Sequence[Panel], tile: float) -> int:
    """Lines of text over and under the panels of a row."""
    titles = [theme.wrapped(panel.title, tile).splitlines() for panel in row]
    captions = [theme.wrapped(panel.caption, tile).splitlines() for panel in row]
    return max(map(len, titles)) + max(map(len, captions))


def _draw_panel(axes: Axes, panel: Panel, tile: float) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=bool(panel.colour), color=panel.colour or None, linewidth=2.5)
    if panel.pixels is None:
        axes.set_box_aspect(1)
        theme.write_muted(axes, theme.wrapped(panel.title, tile))
        return
    axes.imshow(panel.pixels, interpolation="antialiased", **panel.scale)
    if panel.heat is not None:
        axes.imshow(panel.heat, cmap=theme.HEAT, vmin=0, vmax=1, interpolation="bilinear")
    for lines in panel.outlines:
        axes.add_collection(lines, autolim=False)
    small = theme.look(fontsize=theme.SMALL_SIZE)
    axes.set_title(theme.wrapped(panel.title, tile), **small)
    axes.set_xlabel(theme.wrapped(panel.caption, tile), color=panel.colour or theme.INK, **small)


def in_rows(panels: Sequence[Panel], per_row: int) -> list[Sequence[Panel]]:
    """Break panels into rows."""
    return [panels[start : start + per_row] for start in range(0, len(panels), per_row)]


def draw_stages(
    stages: Mapping[str, Iterable[NDArray[Any]]], row_titles: Sequence[str], title: str
) -> Figure:
    """A row per radiograph and a column per stage of its preparation.

    Args:
        stages: pictures (n, height, width) on 0-255 or (n, height, width, 3), by heading.
        row_titles: one per radiograph.
        title: title of the figure.
    """
    rows = [[Panel(picture) for picture in row] for row in zip(*stages.values(), strict=True)]
    rows[0] = [Panel(panel.pixels, heading) for panel, heading in zip(rows[0], stages, strict=True)]
    return draw_panels(rows, row_titles, title=title, tile=1.25 * theme.TILE)[0]


def add_colour_key(
    figure: Figure, grid: NDArray[Any], mapping: ScalarMappable, label: str, **options: Any
) -> None:
    """A bar of colours with its meaning under all panels; options are for `Figure.colorbar`."""
    bar = figure.colorbar(mapping, ax=grid, location="bottom", pad=0.02, label=label, **options)
    bar.outline.set_visible(False)
    # Colours may be see-through: they look as they do over the grey of a radiograph.
    bar.ax.set_facecolor(theme.TRAINING)
