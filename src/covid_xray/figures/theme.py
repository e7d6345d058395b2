"""The one place for colours, fonts, sizes and colormaps of every figure.

Classes wear the colours of Okabe and Ito (2008), which stay apart for colour-blind readers. The
four known classes got the four that also differ most in lightness, so that they survive a
black-and-white printer.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from functools import wraps
from itertools import cycle
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np
import plotly.graph_objects as go
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")
LineStyle = Literal["-", "--", ":", "-."]

ALL = "#4D4D4D"
"""What stands for all classes together, or for all but COVID."""
_KNOWN_CLASSES = {
    "COVID": "#D55E00",
    "Lung_Opacity": "#56B4E9",
    "Normal": "#0072B2",
    "Viral Pneumonia": "#CC79A7",
    "non-COVID": ALL,
}
_OTHER_CLASSES = ("#009E73", "#E69F00", "#000000", "#F0E442")

INK = "#222222"
MUTED = "#6B6B6B"
GRID = "#E3E3E3"
PAPER = "#FFFFFF"
REFERENCE = "#222222"
"""What Report A published, thresholds, and what chance would give."""
STUDY = "#0072B2"
"""A line or point of this study, where there are no classes."""
TRAINING = "#8C8C8C"
VALIDATION = STUDY
MASK = "#F0E442"
KEPT = STUDY
DROPPED = "#D55E00"

GREY = "gray"
SEQUENTIAL = "cividis"
DIVERGING = "RdBu_r"
SHARES = "Blues"
"""Cells of a table of shares: paper at 0, so that what is rare stays in the background."""

SCORES = {
    "recall_covid": ("#D55E00", "o", "-"),
    "precision_covid": ("#E69F00", "s", "-"),
    "f1_score_covid": ("#009E73", "^", "-"),
    "f1_score": (ALL, "D", "--"),
    "accuracy": ("#0072B2", "o", "-"),
}
"""Colour, marker and line of each score; those over all classes are not those of COVID."""
ALL_MARKER = "*"
"""A point that stands for all classes together, beside those of `class_markers`."""


def _clear_at_zero(name: str, opacity: float) -> ListedColormap:
    """A colormap whose opacity rises from 0 to `opacity`, to lie over a radiograph."""
    colours = colormaps[name](np.linspace(0, 1, 256))
    colours[:, 3] = np.linspace(0, opacity, len(colours))
    return ListedColormap(colours, name=f"clear_{name}")


HEAT = _clear_at_zero("plasma", 0.6)
"""Evidence over a radiograph: even steps of lightness, and nothing where there is none."""

WIDTH = 7.2
HEIGHT = 4.0
TILE = 1.55
"""Side of one radiograph in a montage, in inches."""
TITLE_SIZE = 12.0
TEXT_SIZE = 9.5
SMALL_SIZE = 8.5
LINE = 1.6
AREA = 0.35
"""Opacity of an area under its outline."""
POINT = 0.65
"""Opacity of a point among many."""

_FONT = "DejaVu Sans"  # comes with Matplotlib: figures are the same on every machine
_RC: Any = {
    "figure.dpi": 150,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.use": True,
    "font.family": _FONT,
    "font.size": TEXT_SIZE,
    "text.color": INK,
    # A class or a file may have a dollar sign in its name.
    "text.parse_math": False,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE,
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.labelsize": SMALL_SIZE,
    "lines.linewidth": LINE,
    "legend.frameon": False,
    "legend.fontsize": SMALL_SIZE,
    "figure.titlesize": TITLE_SIZE,
    "figure.titleweight": "bold",
}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")
_LINES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")
# Fewer markers than colours, so that a colour that comes again has another marker.
_MODEL_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9",
)  # fmt: skip
_MODEL_MARKERS = _MARKERS[:6]


def class_colours(labels: Iterable[str]) -> dict[str, str]:
    """Colour of each class, in sorted order of the classes.

    The four classes of Report A and `non-COVID` always have the same colour; others share out
    what is left.
    """
    classes = sorted(set(labels))
    others = cycle(_OTHER_CLASSES)
    return {
        label: _KNOWN_CLASSES[label] if label in _KNOWN_CLASSES else next(others)
        for label in classes
    }


def class_markers(labels: Iterable[str]) -> dict[str, str]:
    """Matplotlib marker of each class: the second cue beside its colour."""
    return _share_out(labels, _MARKERS)


def class_symbols(labels: Iterable[str]) -> dict[str, str]:
    """Plotly marker of each class: the second cue beside its colour."""
    return _share_out(labels, _SYMBOLS)


def class_lines(labels: Iterable[str]) -> dict[str, LineStyle]:
    """Style of each class's line: the second cue beside its colour."""
    return _share_out(labels, _LINES)


def model_cues(models: Iterable[str]) -> dict[str, tuple[str, str, LineStyle]]:
    """Colour, marker and line style of each model, in the order given.

    Neighbours differ in all three; no two of 28 models have both colour and line in common, or
    both colour and marker.
    """
    cues = zip(cycle(_MODEL_COLOURS), cycle(_MODEL_MARKERS), cycle(_LINES), strict=False)
    return dict(zip(dict.fromkeys(models), cues, strict=False))


def _share_out(labels: Iterable[str], cues: tuple[Any, ...]) -> dict[str, Any]:
    # Known classes keep their cue whatever other classes a study has, as they do their colour.
    known = dict(zip(_KNOWN_CLASSES, cues, strict=False))
    rest = cycle([*cues[len(known) :], *cues[: len(known)]])
    return {label: known[label] if label in known else next(rest) for label in sorted(set(labels))}


def class_name(label: str) -> str:
    """The class as a reader writes it: `Lung Opacity` for `Lung_Opacity`."""
    return label.replace("_", " ")


def translucent(colour: str, opacity: float) -> str:
    """The colour as Plotly's `rgba(...)`."""
    red, green, blue = (round(255 * part) for part in to_rgb(colour))
    return f"rgba({red},{green},{blue},{opacity:g})"


def themed(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a drawing function under the theme, so that legends and texts follow it too."""

    @wraps(draw)
    def draw_under_theme(*args: P.args, **kwargs: P.kwargs) -> R:
        with rc_context(_RC):
            return draw(*args, **kwargs)

    return draw_under_theme


@themed
def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float = HEIGHT, **options: Any
) -> tuple[Figure, NDArray[Any]]:
    """A figure under the theme, with its grid of axes.

    Args:
        rows: rows of axes.
        columns: columns of axes.
        width: inches.
        height: inches.
        options: for `Figure.subplots`.

    Returns:
        The figure, and an array (rows, columns) of axes.
    """
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    for axes in grid.flat:
        style_ticks(axes)
    return figure, grid


@themed
def add_title(figure: Figure, title: str, subtitle: str = "") -> None:
    """Title at the top left in bold, with a lighter line under it; long ones are wrapped."""
    width = figure.get_figwidth()
    lines = textwrap.wrap(title, int(width * 10))
    under = textwrap.wrap(subtitle, int(width * 14))
    heading = figure.suptitle(
        "\n".join([*lines, *[" "] * len(under)]), x=0.012, ha="left", linespacing=1.3
    )
    if under:
        # It stands on the blank lines just made: the layout keeps room for nothing else.
        note = Annotation(
            "\n".join(under), (0, 0), xycoords=heading, va="bottom", linespacing=1.3,
            color=MUTED, fontsize=TEXT_SIZE,
        )  # fmt: skip
        figure.add_artist(note)


@themed
def say(sentence: str, *, width: float = WIDTH, height: float = 1.6) -> Figure:
    """A figure with nothing to draw, which says why."""
    figure, grid = new_figure(width=width, height=height)
    grid[0, 0].set_axis_off()
    text = "\n".join(textwrap.wrap(sentence, int(width * 11)))
    grid[0, 0].text(0.5, 0.5, text, ha="center", va="center", color=MUTED, fontsize=TEXT_SIZE + 1)
    return figure


def style_ticks(axes: Axes) -> None:
    """Give the ticks their style: they are made as the figure is saved, outside the theme."""
    axes.tick_params(which="both", color=MUTED, labelcolor=INK, labelsize=SMALL_SIZE)


def show_radiograph(axes: Axes, pixels: NDArray[Any], title: str = "") -> None:
    """Show an image without ticks: grey (height, width) on 0-255, or RGB (height, width, 3)."""
    axes.imshow(pixels, cmap=GREY, vmin=0, vmax=255, interpolation="antialiased")
    bare(axes)
    axes.set_title(title, fontsize=SMALL_SIZE)


def wrapped(text: str, inches: float) -> str:
    """Small text broken into lines that fit a width."""
    return textwrap.fill(text, max(8, int(inches * 14)))


def haloed(text: Text) -> Text:
    """Give a text an outline of paper, so that it reads on top of data; returns the text."""
    text.set_path_effects([withStroke(linewidth=2.5, foreground=PAPER)])
    return text


def ink_on(background: tuple[float, ...]) -> str:
    """Colour of a text that reads on a background, red, green and blue from 0 to 1."""
    red, green, blue = background[:3]
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else PAPER


def bare(axes: Axes) -> None:
    """Take ticks and spines away; labels stay."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def frame(axes: Axes, colour: str) -> None:
    """Draw a frame around an image."""
    axes.spines[:].set(visible=True, color=colour, linewidth=2.5)


def light_grid(axes: Axes, which: str) -> None:
    """Thin lines behind the data, along `x`, `y` or `both`."""
    axes.grid(visible=True, axis=which, color=GRID, linewidth=0.8)  # type: ignore[arg-type]


def apply_theme(figure: go.Figure) -> go.Figure:
    """Give a Plotly figure the theme's font, colours and margins; returns the same figure."""
    axis = {
        "gridcolor": GRID, "linecolor": MUTED, "zeroline": False, "backgroundcolor": PAPER
    }  # fmt: skip
    flat = {key: value for key, value in axis.items() if key != "backgroundcolor"}
    figure.update_layout(
        template="none",
        font={"family": f"{_FONT}, Verdana, sans-serif", "size": 13, "color": INK},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        margin={"l": 30, "r": 30, "t": 100, "b": 30},
        title={"x": 0.02, "xanchor": "left", "y": 0.96, "yanchor": "top"},
        title_font={"size": 19, "weight": "bold"},
        title_subtitle_font={"size": 14, "color": MUTED, "weight": "normal"},
        legend={"itemsizing": "constant", "font": {"size": 13}},
        hoverlabel={"bgcolor": PAPER, "bordercolor": GRID, "font": {"color": INK}},
    )
    figure.update_xaxes(**flat)
    figure.update_yaxes(**flat)
    figure.update_scenes(xaxis=axis, yaxis=axis, zaxis=axis)
    return figure
