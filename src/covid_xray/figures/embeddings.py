"""Radiographs as points: t-SNE projections and the latent space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.artist import setp
from matplotlib.figure import Figure

from covid_xray.figures import theme
from covid_xray.figures.sources import known_sources

_MANY_POINTS = 3000  # browsers draw more than these smoothly only with WebGL
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
    colours, markers = theme.class_colours(points["label"]), theme.class_markers(points["label"])
    figure, grid = theme.new_figure(width=6.2, height=5.6)
    axes = grid[0, 0]
    area = float(np.clip(16_000 / len(points), 5, 26))
    for label in _largest_first(points):
        of_class = points[points["label"] == label]
        axes.scatter(
            of_class["x"], of_class["y"], s=area, color=colours[label], marker=markers[label],
            alpha=theme.POINT, linewidths=0, label=f"{theme.class_name(label)} ({len(of_class):,})",
        )  # fmt: skip
    theme.bare(axes)
    axes.set_aspect("equal", adjustable="datalim")
    legend = figure.legend(
        loc="outside lower left", ncols=min(4, len(colours)), handletextpad=0.2, columnspacing=1.2
    )
    for handle in legend.legend_handles:
        if handle is not None:
            setp(handle, alpha=1, sizes=[30])
    theme.add_title(figure, title, subtitle)
    return figure


def _largest_first(points: pd.DataFrame) -> list[str]:
    """Classes by falling size: points of a small class lie on top of those of a large one."""
    sizes = points["label"].astype(str).value_counts(sort=False).sort_index()
    return list(sizes.sort_values(ascending=False, kind="stable").index)


def draw_embedding_interactive(points: pd.DataFrame, title: str, subtitle: str = "") -> go.Figure:
    """Radiographs as points in the plane, each named on hover (Report A, Figure 7).

    Args:
        points: one row per radiograph: `x, y, label, image_id, source, split`.
        title: title of the figure.
        subtitle: a line under it, such as a silhouette.
    """
    kind = go.Scattergl if len(points) > _MANY_POINTS else go.Scatter
    symbols = theme.class_symbols(points["label"])
    figure = go.Figure([kind(**trace) for trace in _traces(points, "xy", symbols, size=6)])
    _title(figure, title, subtitle)
    # A projection has no units.
    figure.update_xaxes(visible=False)
    return figure.update_yaxes(visible=False, scaleanchor="x")


def draw_latent_space(points: pd.DataFrame, title: str, subtitle: str = "") -> go.Figure:
    """Radiographs as points in three dimensions (Report A, Annex 11).

    Args:
        points: one row per radiograph: `x, y, z, label, image_id, source, split`.
        title: title of the figure.
        subtitle: a line under it, such as a silhouette.
    """
    # Circles for all: browsers draw other symbols in 3-D at unlike sizes.
    traces = [go.Scatter3d(**trace) for trace in _traces(points, "xyz", {}, size=3)]
    figure = go.Figure(traces)
    _title(figure, title, subtitle)
    unmarked = {"showticklabels": False, "title": {"text": ""}}
    return figure.update_scenes(aspectmode="cube", xaxis=unmarked, yaxis=unmarked, zaxis=unmarked)


def _traces(
    points: pd.DataFrame, axes: str, symbols: Mapping[str, str], size: float
) -> list[dict[str, Any]]:
    """One trace per class; circles where it has no symbol of its own."""
    colours = theme.class_colours(points["label"])
    named = points.assign(source=known_sources(points["source"]))
    traces = []
    for label in _largest_first(points):
        of_class = named[named["label"] == label]
        traces.append(
            {
                **{axis: of_class[axis].to_numpy() for axis in axes},
                "mode": "markers",
                "name": f"{theme.class_name(label)} ({len(of_class):,})",
                "marker": {
                    "color": colours[label],
                    "symbol": symbols.get(label, "circle"),
                    "size": size,
                    "opacity": theme.POINT,
                    "line": {"width": 0},
                },
                "customdata": of_class[["image_id", "label", "source", "split"]].to_numpy(),
                "hovertemplate": _HOVER,
            }
        )
    return traces


def _title(figure: go.Figure, title: str, subtitle: str) -> None:
    figure.update_layout(title={"text": title, "subtitle_text": subtitle}, showlegend=True)
    theme.apply_theme(figure)
