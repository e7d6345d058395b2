"""The one place for colours, fonts, sizes and colormaps of every figure.

Classes wear the colours of Okabe and Ito (2008), which stay apart for colour-blind readers. The
four known classes got the four that also differ most in lightness, so that they survive a
black-and-white printer.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterable
from functools import wraps
from itertools import cycle
from typing import Any, Literal, NamedTuple, ParamSpec

import numpy as np
import plotly.graph_objects as go
from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from numpy.typing import NDArray

P = ParamSpec("P")
LineStyle = Literal["-", "--", ":", "-."]


class Cue(NamedTuple):
    """Look of a class or a model: its colour, and second cues for those who do not see it.

    The names are Matplotlib's, so that a line takes them as `**cue._asdict()`.
    """

    color: str
    marker: str
    linestyle: LineStyle

    @property
    def line(self) -> dict[str, Any]:
        """Options of a line without markers."""
        return {"color": self.color, "linestyle": self.linestyle}


INK = "#222222"
MUTED = "#6B6B6B"
GRID = "#E3E3E3"
PAPER = "#FFFFFF"
ALL = "#4D4D4D"
"""What stands for all classes together, or for all but COVID."""
STUDY = "#0072B2"
"""A line or point of this study, where there are no classes."""
TRAINING = "#8C8C8C"
MASK = "#F0E442"
KEPT = STUDY
DROPPED = "#D55E00"

ALL_CLASSES = "all"
"""Label of the rows of a table that stand for all classes together."""
_KNOWN_CLASSES = {
    "COVID": Cue("#D55E00", "o", "-"),
    "Lung_Opacity": Cue("#56B4E9", "s", "--"),
    "Normal": Cue("#0072B2", "^", ":"),
    "Viral Pneumonia": Cue("#CC79A7", "D", "-."),
    "non-COVID": Cue(ALL, "v", "-"),
    ALL_CLASSES: Cue(ALL, "*", "--"),
}
_OTHER_COLOURS = ("#009E73", "#E69F00", "#000000", "#F0E442")
_OTHER_MARKERS = ("P", "X", "v", "<", ">")
_MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
# Fewer markers than colours, so that a colour that comes again has another marker.
_MODEL_MARKERS = ("o", "s", "^", "D", "v", "P")
_LINES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")
GREY = "gray"
GREY_LEVELS = {"cmap": GREY, "vmin": 0, "vmax": 255}
SEQUENTIAL = "cividis"
DIVERGING = "RdBu_r"
SHARES = "Blues"
"""Cells of a table of shares: paper at 0, so that what is rare stays in the background."""
HEAT = ListedColormap(
    np.column_stack([colormaps["plasma"](np.arange(256))[:, :3], np.linspace(0, 0.6, 256)])
)
"""Evidence over a radiograph: even steps of lightness, and see-through where there is none."""

WIDTH = 7.2
HEIGHT = 4.0
TILE = 1.55
"""Side of one radiograph in a montage, in inches."""
TEXT_SIZE = 9.5
SMALL_SIZE = 8.5
LINE = 1.6
AREA = 0.35
"""Opacity of an area under its outline."""
POINT = 0.65
"""Opacity of a point among many."""

HALO = [withStroke(linewidth=2.5, foreground=PAPER)]
"""Outline of a text that reads on top of data."""
_RC: Any = {
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "font.size": SMALL_SIZE,
    "text.color": INK,
    # A class or a file may have a dollar sign in its name.
    "text.parse_math": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": LINE,
    "legend.frameon": False,
}
# Ticks are made as the figure is saved, outside the theme: they must be told apart.
_TICKS: Any = {
    "color": MUTED,
    "labelcolor": INK,
    "labelsize": SMALL_SIZE,
    "grid_color": GRID,
    "grid_linewidth": 0.8,
}


def themed(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function under the theme, whatever style its user has set."""

    @wraps(draw)
    def draw_under_theme(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style.context(["default", _RC]):
            figure = draw(*args, **kwargs)
            for axes in figure.findobj(Axes):
                axes.tick_params(which="both", **_TICKS)
            return figure

    return draw_under_theme


def look(**options: Any) -> dict[str, Any]:
    """Options of Matplotlib for a mark, to be passed on as `**look`."""
    return options


def class_cues(labels: Iterable[str]) -> dict[str, Cue]:
    """Look of each class, in sorted order of the classes.

    The four classes of Report A, `non-COVID` and `all` look the same in any company; others share
    out what is left.
    """
    others = map(Cue, cycle(_OTHER_COLOURS), cycle(_OTHER_MARKERS), cycle(_LINES))
    return {label: _KNOWN_CLASSES.get(label) or next(others) for label in sorted(set(labels))}


def class_colours(labels: Iterable[str]) -> dict[str, str]:
    """Colour of each class, in sorted order of the classes."""
    return {label: cue.color for label, cue in class_cues(labels).items()}


def model_cues(models: Iterable[str]) -> dict[str, Cue]:
    """Look of each model, in the order given.

    Neighbours differ in all three cues; no two of 28 models have both colour and line in common,
    or both colour and marker.
    """
    cues = map(Cue, cycle(_MODEL_COLOURS), cycle(_MODEL_MARKERS), cycle(_LINES))
    return dict(zip(dict.fromkeys(models), cues, strict=False))


def class_name(label: str) -> str:
    """The class as a reader writes it: `Lung Opacity` for `Lung_Opacity`."""
    return "all classes" if label == ALL_CLASSES else label.replace("_", " ")


def in_browser(text: str) -> str:
    """A name as Plotly shows it as it is: it takes a text for HTML."""
    return html.escape(text, quote=False)


def wrapped(text: str, inches: float) -> str:
    """Small text whose lines are broken to fit a width."""
    width = max(8, int(inches * 14))
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float = HEIGHT, **options: Any
) -> tuple[Figure, NDArray[Any]]:
    """A figure with its grid of axes, for functions under the theme.

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
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def titled(figure: Figure, title: str, subtitle: str = "") -> Figure:
    """The figure with a title in bold at the top left and a lighter line under it, both wrapped."""
    width = figure.get_figwidth()
    lines = textwrap.wrap(title, int(width * 10))
    under = textwrap.wrap(subtitle, int(width * 14))
    heading = figure.suptitle("\n".join([*lines, *[" "] * len(under)]), x=0.012, ha="left")
    # It stands on the blank lines just made: the layout keeps room for nothing else.
    note = Annotation("\n".join(under), (0, 0), xycoords=heading, va="bottom", color=MUTED)
    note.set_fontsize(TEXT_SIZE)
    for text in (heading, note):
        text.set_linespacing(1.3)
    figure.add_artist(note)
    return figure


@themed
def say(sentence: str) -> Figure:
    """A figure with nothing to draw, which says why."""
    figure, grid = new_figure(height=1.6)
    grid[0, 0].set_axis_off()
    write_muted(grid[0, 0], wrapped(sentence, 5.5), fontsize=TEXT_SIZE + 1)
    return figure


def write_muted(axes: Axes, text: str, x: float = 0.5, **options: Any) -> None:
    """Say in the middle of axes that something is missing; x is a share of their width."""
    where: Any = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(x, 0.5, text, color=MUTED, **(where | options))


def apply_theme(figure: go.Figure, title: str, subtitle: str) -> go.Figure:
    """Give a Plotly figure its titles and the theme's font and colours; returns the same figure."""
    figure.update_layout(
        template="plotly_white",
        font={"family": "DejaVu Sans, Verdana, sans-serif", "size": 13, "color": INK},
        margin={"l": 30, "r": 30, "t": 100, "b": 30},
        title={"text": title, "subtitle_text": subtitle, "x": 0.02, "y": 0.96, "yanchor": "top"},
        title_font={"size": 19, "weight": "bold"},
        title_subtitle_font={"size": 14, "color": MUTED, "weight": "normal"},
        legend={"itemsizing": "constant", "title_text": ""},
    )
    return figure
