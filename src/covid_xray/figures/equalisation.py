"""What histogram equalisation and lung masks make of radiographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.figures import theme
from covid_xray.figures.marks import add_key, in_percent
from covid_xray.figures.panels import draw_stages

_BIN = 8  # grey levels
_EDGES = np.arange(0, 257, _BIN)
_GAP = 0.7  # between two classes, in boxes
# Percentiles: nearly every radiograph has a white letter and a black corner.
_BOXES = theme.look(
    whis=(1, 99),
    showfliers=False,
    patch_artist=True,
    manage_ticks=False,
    whiskerprops={"color": theme.MUTED},
    capprops={"color": theme.MUTED},
    medianprops={"color": theme.INK},
)
_LEVELS = (0, 64, 128, 192, 255)
_NOTE = "Boxes hold half of a radiograph's pixels, whiskers 98%; lines: all radiographs of a class"

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
    cues = theme.class_cues(labels)
    width = max(1.8 * len(labels) + 1.2, theme.WIDTH)
    figure, grid = theme.new_figure(2, 2, width=width, height=6.0, sharey="row")
    columns = (("Before", before, shares_before), ("After", after, shares_after))
    for (upper, lower), (when, examples, shares) in zip(grid.T, columns, strict=True):
        upper.set_title(f"{when} equalisation")
        _draw_boxes(upper, examples, labels)
        _draw_shares(lower, shares, cues)
    grid[0, 0].set_ylabel("grey level, per radiograph")
    grid[1, 0].set(ylabel=f"share of a class's pixels\nper {_BIN} grey levels", ylim=(0, None))
    add_key(figure, ncols=min(4, len(labels)), handlelength=3)
    return theme.titled(figure, "Grey levels before and after histogram equalisation", _NOTE)


def _draw_boxes(axes: Axes, examples: Examples, labels: Sequence[str]) -> None:
    colours = theme.class_colours(labels)
    start, centres = 0.0, []
    for label in labels:
        pictures = [picture.ravel() for picture in examples.get(label, [])]
        places = start + np.arange(max(1, len(pictures)))
        if pictures:
            colour = colours[label]
            box = theme.look(facecolor=(colour, theme.AREA), color=colour)
            axes.boxplot(pictures, positions=places, boxprops=box, **_BOXES)
        else:
            where = axes.get_xaxis_transform()
            theme.write_muted(axes, "no\nexamples", x=start, transform=where)
        centres.append(places.mean())
        start = places[-1] + 1 + _GAP
    axes.set_xticks(centres, [theme.wrapped(theme.class_name(label), 0.8) for label in labels])
    axes.set(xlim=(-0.8, start - _GAP - 0.2), ylim=(-4, 259), yticks=_LEVELS)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")


def _draw_shares(axes: Axes, shares: Shares, cues: Mapping[str, theme.Cue]) -> None:
    for label, of_class in shares.items():
        binned = np.asarray(of_class).reshape(len(_EDGES) - 1, _BIN).sum(axis=1)
        look = theme.look(label=theme.class_name(label), **cues[label].line)
        axes.stairs(binned, _EDGES, baseline=None, linewidth=theme.LINE, **look)
    axes.set(xlim=(0, 256), xticks=_LEVELS, xlabel="grey level")
    in_percent(axes, "y")


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
    stages = {
        "Radiograph": radiographs,
        "Equalised": equalised,
        "Lung mask": np.where(masks > 0, 255, 0),
        "Lungs only": lungs,
    }
    return draw_stages(stages, titles, "Radiographs equalised and reduced to their lungs")
