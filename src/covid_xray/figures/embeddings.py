"""Radiographs as points: t-SNE projections and the latent space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
from matplotlib.figure import Figure

from covid_xray.figures import theme
from covid_xray.figures.marks import add_key
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
        look = theme.look(color=cues[label].color, marker=cues[label].marker, linewidths=0)
        name = f"{theme.class_name(label)} ({n:,})"
        axes.scatter("x", "y", data=of_class, s=area, alpha=theme.POINT, label=name, **look)
    add_key(figure, ncols=min(4, len(cues)), handletextpad=0.2, markerscale=2)
    return theme.titled(figure, title, subtitle)


def draw_embedding_interactive(points: pd.DataFrame, title: str, subtitle: str = "") -> go.Figure:
    """Radiographs as points in the plane, each named on hover (Report A, Figure 7).

    Args:
        points: one row per radiograph: `x, y, label, image_id, source, split`.
        title: title of the figure.
        subtitle: a line under it, such as a silhouette.
    """
    figure = _scatter(px.scatter, points, 6, symbol="name", x="x", y="y")
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
    # Circles for all: browsers draw other symbols in 3-D at unlike sizes.
    figure = _scatter(px.scatter_3d, points, 3, x="x", y="y", z="z")
    unmarked = {"showticklabels": False, "title_text": ""}
    figure.update_scenes(aspectmode="cube", xaxis=unmarked, yaxis=unmarked, zaxis=unmarked)
    return theme.apply_theme(figure, title, subtitle)


def _scatter(draw: Any, points: pd.DataFrame, size: float, **columns: str) -> go.Figure:
    """A trace per class, by falling size; `draw` is a function of Plotly Express."""
    sizes = by_size(points["label"])
    names = {
        label: theme.in_browser(f"{theme.class_name(label)} ({n:,})") for label, n in sizes.items()
    }
    colours = {names[label]: colour for label, colour in theme.class_colours(names).items()}
    on_hover = ["image_id", "label", "source", "split"]
    named = points.assign(source=known_sources(points["source"]))
    shown = named.assign(**{column: named[column].map(theme.in_browser) for column in on_hover})
    figure = draw(
        shown.assign(name=points["label"].map(names)),
        color="name",
        color_discrete_map=colours,
        opacity=theme.POINT,
        category_orders={"name": list(names.values())},
        custom_data=on_hover,
        **columns,
    )
    return figure.update_traces(hovertemplate=_HOVER, marker_size=size)
