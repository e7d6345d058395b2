"""What histogram equalisation and lung masks make of radiographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from covid_xray.figures import theme

_BIN = 8  # grey levels
_EDGES = np.arange(0, 257, _BIN)
# Percentiles: nearly every radiograph has a white letter and a black corner.
_WHISKERS = (1.0, 99.0)
_GAP = 0.7  # between two classes, in boxes
_HEADINGS = ("Before equalisation", "After equalisation")

Pixels = NDArray[np.uint8]
Examples = Mapping[str, Pixels]
Shares = Mapping[str, NDArray[np.floating]]


@theme.themed
def draw_grey_levels(
    before: Examples, after: Examples, shares_before: Shares, shares_after: Shares
) -> Figure:
    """Grey levels before and after equalisation (Report B, section Biais de luminosité).

    Above, a box per example radiograph, with its median and with whiskers from the 1st to the
    99th percentile. Below, the share of all pixels of a class in each of 32 bins of grey levels.

    Args:
        before: uint8 array (n, height, width) per class, radiographs as they came.
        after: uint8 array (n, height, width) per class, the same radiographs equalised.
        shares_before: array (256,) per class, the share of its pixels at each grey level.
        shares_after: array (256,) per class, the same of the equalised radiographs.

    Raises:
        ValueError: if shares are not those of 256 grey levels.
    """
    given = (before, after, shares_before, shares_after)
    if not any(len(values) for of_class in given for values in of_class.values()):
        return theme.say("There are no radiographs whose grey levels could be drawn.")
    labels = list(dict.fromkeys(label for of_class in given for label in of_class))
    figure, grid = theme.new_figure(
        2, 2, width=max(1.8 * len(labels) + 1.2, theme.WIDTH), height=6.0, sharey="row"
    )
    columns = ((before, shares_before), (after, shares_after))
    for (upper, lower), (examples, shares), heading in zip(grid.T, columns, _HEADINGS, strict=True):
        upper.set_title(heading)
        _draw_boxes(upper, examples, labels)
        _draw_shares(lower, shares, labels)
    grid[0, 0].set_ylabel("grey level, per radiograph")
    grid[1, 0].set_ylabel(f"share of a class's pixels\nper {_BIN} grey levels")
    grid[1, 0].set_ylim(bottom=0)
    figure.legend(
        handles=_key(labels), loc="outside lower left", ncols=min(4, len(labels)), handlelength=3
    )
    theme.add_title(
        figure,
        "Grey levels before and after histogram equalisation",
        "Boxes hold the middle half of a radiograph's pixels, whiskers 98% of them; lines are all "
        "radiographs of a class",
    )
    return figure


def _draw_boxes(axes: Axes, examples: Examples, labels: Sequence[str]) -> None:
    colours = theme.class_colours(labels)
    start, centres = 0.0, []
    for label in labels:
        pictures = list(examples.get(label, []))
        width = max(1, len(pictures))
        centres.append(start + (width - 1) / 2)
        if pictures:
            _draw_class(axes, pictures, start, colours[label])
        else:
            axes.text(
                start, 0.5, "no\nexamples", transform=axes.get_xaxis_transform(), ha="center",
                va="center", color=theme.MUTED, fontsize=theme.SMALL_SIZE,
            )  # fmt: skip
        start += width + _GAP
    axes.set_xticks(centres, [theme.wrapped(theme.class_name(label), 0.8) for label in labels])
    axes.set_xlim(-0.8, start - _GAP - 0.2)
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(-4, 259)
    axes.set_yticks([0, 64, 128, 192, 255])
    theme.light_grid(axes, "y")


def _draw_class(axes: Axes, pictures: Sequence[Pixels], start: float, colour: str) -> None:
    axes.boxplot(
        [picture.ravel() for picture in pictures],
        positions=start + np.arange(len(pictures)),
        widths=0.7,
        whis=_WHISKERS,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": to_rgba(colour, theme.AREA), "edgecolor": colour},
        whiskerprops={"color": colour},
        capprops={"color": colour},
        medianprops={"color": theme.INK},
    )


def _draw_shares(axes: Axes, shares: Shares, labels: Sequence[str]) -> None:
    colours, lines = theme.class_colours(labels), theme.class_lines(labels)
    for label in labels:
        if label in shares:
            axes.stairs(
                np.asarray(shares[label]).reshape(len(_EDGES) - 1, _BIN).sum(axis=1), _EDGES,
                baseline=None, color=colours[label], linestyle=lines[label],
                linewidth=theme.LINE, label=label,
            )  # fmt: skip
    axes.set_xlim(0, 256)
    axes.set_xticks([0, 64, 128, 192, 255])
    axes.set_xlabel("grey level")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    theme.light_grid(axes, "y")


def _key(labels: Sequence[str]) -> list[Line2D]:
    colours, lines = theme.class_colours(labels), theme.class_lines(labels)
    return [
        Line2D(
            [], [], color=colours[label], linestyle=lines[label], label=theme.class_name(label)
        )
        for label in labels
    ]  # fmt: skip


@theme.themed
def draw_masked_examples(
    radiographs: Pixels, equalised: Pixels, masks: Pixels, lungs: Pixels, titles: Sequence[str]
) -> Figure:
    """Radiographs on their way to what a screening model sees (Report B, Sources de biais).

    Args:
        radiographs: uint8 array (n, height, width), as they came.
        equalised: uint8 array (n, height, width), after histogram equalisation.
        masks: array (n, height, width), 1 in the lungs and 0 outside.
        lungs: uint8 array (n, height, width), what is left of `equalised`.
        titles: one per radiograph.
    """
    if not len(radiographs):
        return theme.say("No radiographs were equalised and reduced to their lungs.")
    tile = 1.25 * theme.TILE
    figure, grid = theme.new_figure(
        len(radiographs), 4, width=4 * tile + 0.5, height=len(radiographs) * tile + 0.9
    )
    pictures = zip(radiographs, equalised, np.where(masks > 0, 255, 0), lungs, strict=True)
    for row, stages, title in zip(grid, pictures, titles, strict=True):
        for axes, picture in zip(row, stages, strict=True):
            theme.show_radiograph(axes, picture)
        row[0].set_ylabel(theme.wrapped(title, tile), fontsize=theme.SMALL_SIZE)
    for axes, heading in zip(
        grid[0], ("Radiograph", "Equalised", "Lung mask", "Lungs only"), strict=True
    ):
        axes.set_title(heading)
    theme.add_title(figure, "Radiographs equalised and reduced to their lungs")
    return figure
