"""Radiographs as points: t-SNE projections and the latent space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
from matplotlib.artist import setp
from matplotlib.figure import Figure

from covid_xray.figures import theme
from covid_xray.figures.sources import by_size, known_sources

_HOVER = (
    "<b>%{customdata[0]}</b><br>class: %{customdata[1]}<br>source: %{customdata[2]}"
    "<br>split: %{customdata[3]}<extra></extra>"
)


@theme.themed
def draw_embedding(points: pd.DataFrame, title: str, subtitle: str = "") -> Figure:
    """Radiographs as points in the plane, coloured by class (Report A, Figure 7).

    Args:
        points: one row per radiograph: `x, y, label`.
        title: title of the figure.
        subtitle: a line under it, such as a silhouette.
    """
    if points.empty:
        return theme.say(f"{title}: there are no radiographs to place.")
    cues = theme.class_cues(points["label"])
    figure, grid = theme.new_figure(width=6.2, height=5.6)
    axes = grid[0, 0]
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_aspect("equal", adjustable="datalim")
    area = float(np.clip(16_000 / len(points), 5, 26))
    # The smallest class last: its points lie on top of those of a large one.
    for label, n in by_size(points["label"]).items():
        of_class = points[points["label"] == label]
        look = {"color": cues[label].colour, "marker": cues[label].marker, "linewidths": 0}
        name = f"{theme.class_name(label)} ({n:,})"
        axes.scatter("x", "y", data=of_class, s=area, alpha=theme.POINT, label=name, **look)
    legend = figure.legend(loc="outside lower left", ncols=min(4, len(cues)), handletextpad=0.2)
    setp(legend.legend_handles, alpha=1, sizes=[30])
    theme.add_title(figure, title, subtitle)
    return figure


def draw_embedding_interactive(points: pd.DataFrame, title: str, subtitle: str = "") -> go.Figure:
    """Radiographs as points in the plane, each named on hover (Report A, Figure 7).

    Args:
        points: one row per radiograph: `x, y, label, image_id, source, split`.
        title: title of the figure.
        subtitle: a line under it, such as a silhouette.
    """
    named, look = _named(points)
    symbols = {name: cue.symbol for name, cue in look.items()}
    figure = px.scatter(named, x="x", y="y", symbol="name", symbol_map=symbols, **_by_class(look))
    figure.update_traces(hovertemplate=_HOVER, marker_size=6)
    # A projection has no units.
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return theme.apply_theme(figure, title, subtitle)


def draw_latent_space(points: pd.DataFrame, title: str, subtitle: str = "") -> go.Figure:
    """Radiographs as points in three dimensions (Report A, Annex 11).

    Args:
        points: one row per radiograph: `x, y, z, label, image_id, source, split`.
        title: title of the figure.
        subtitle: a line under it, such as a silhouette.
    """
    named, look = _named(points)
    # Circles for all: browsers draw other symbols in 3-D at unlike sizes.
    figure = px.scatter_3d(named, x="x", y="y", z="z", **_by_class(look))
    figure.update_traces(hovertemplate=_HOVER, marker_size=3)
    unmarked = {"showticklabels": False, "title_text": ""}
    figure.update_scenes(aspectmode="cube", xaxis=unmarked, yaxis=unmarked, zaxis=unmarked)
    return theme.apply_theme(figure, title, subtitle)


def _named(points: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, theme.Cue]]:
    """The points with the name of each class in the legend, and its look, by falling size."""
    names = {
        label: f"{theme.class_name(label)} ({n:,})" for label, n in by_size(points["label"]).items()
    }
    cues = theme.class_cues(names)
    named = points.assign(source=known_sources(points["source"]), name=points["label"].map(names))
    return named, {name: cues[label] for label, name in names.items()}


def _by_class(look: Mapping[str, theme.Cue]) -> dict[str, Any]:
    """Options of Plotly Express: a trace per class, with what hovering tells."""
    return {
        "color": "name",
        "color_discrete_map": {name: cue.colour for name, cue in look.items()},
        "category_orders": {"name": list(look)},
        "custom_data": ["image_id", "label", "source", "split"],
        "opacity": theme.POINT,
    }
