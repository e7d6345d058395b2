"""Where a study's radiographs come from, and how many of each class there are."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from matplotlib.figure import Figure

from covid_xray.figures import theme

UNKNOWN = "unknown"


def known_sources(sources: pd.Series) -> pd.Series:
    """Source per radiograph, `unknown` where it is missing or blank."""
    named = sources.astype("object").where(sources.notna(), "").astype(str).str.strip()
    return named.where(named != "", UNKNOWN)


def draw_sources(index: pd.DataFrame) -> go.Figure:
    """Flow of radiographs from their sources to the classes (Report A, Figure 1).

    Args:
        index: one row per radiograph: `image_id, label, source`; a source may be missing.
    """
    named = index.assign(source=known_sources(index["source"]))
    flows = named.groupby(["source", "label"], observed=True).size()
    per_source = named["source"].value_counts(sort=False).sort_index()
    # Largest source first; the stable sort leaves ties in alphabetical order.
    per_source = per_source.sort_values(ascending=False, kind="stable")
    per_class = named["label"].astype(str).value_counts(sort=False).sort_index()
    nodes = pd.concat([per_source, per_class])
    colours = theme.class_colours(per_class.index)
    source_at = {name: place for place, name in enumerate(per_source.index)}
    class_at = {name: len(source_at) + place for place, name in enumerate(per_class.index)}
    names = [*per_source.index, *map(theme.class_name, per_class.index)]
    figure = go.Figure(
        go.Sankey(
            node={
                "label": [
                    f"{name} ({n:,})" for name, n in zip(names, nodes.to_numpy(), strict=True)
                ],
                "color": [theme.MUTED] * len(source_at) + list(colours.values()),
                "line": {"width": 0},
                "pad": 22,
                "thickness": 18,
                "customdata": names,
                "hovertemplate": "%{customdata}: %{value:,} radiographs<extra></extra>",
            },
            link={
                "source": [source_at[source] for source, _ in flows.index],
                "target": [class_at[label] for _, label in flows.index],
                "value": flows.tolist(),
                "color": [theme.translucent(colours[label], 0.45) for _, label in flows.index],
                "customdata": [
                    f"{source} → {theme.class_name(label)}" for source, label in flows.index
                ],
                "hovertemplate": "%{customdata}: %{value:,} radiographs<extra></extra>",
            },
        )
    )
    subtitle = f"{len(index):,} radiographs, from source (left) to class (right)"
    figure.update_layout(title={"text": "Sources of the radiographs", "subtitle_text": subtitle})
    return theme.apply_theme(figure)


@theme.themed
def draw_class_counts(index: pd.DataFrame) -> Figure:
    """Radiographs per class, in number and share (Report A, Figure 2).

    Args:
        index: one row per radiograph: `image_id, label`.
    """
    if index.empty:
        return theme.say("The study has no radiographs to count.")
    counts = index["label"].astype(str).value_counts(sort=False).sort_index()
    counts = counts.sort_values(ascending=False, kind="stable")
    colours = theme.class_colours(counts.index)
    figure, grid = theme.new_figure(height=1.3 + 0.42 * len(counts))
    axes = grid[0, 0]
    bars = axes.barh(
        range(len(counts)), counts, height=0.72, color=[colours[label] for label in counts.index]
    )
    shares = counts / counts.sum()
    texts = [f"{n:,}  ({share:.0%})" for n, share in zip(counts, shares, strict=True)]
    axes.bar_label(bars, texts, padding=5)
    axes.set_yticks(range(len(counts)), [theme.class_name(label) for label in counts.index])
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.margins(x=0.16)
    theme.add_title(figure, "Radiographs per class", _imbalance(counts))
    return figure


def _imbalance(counts: pd.Series) -> str:
    total = f"{counts.sum():,} radiographs"
    if len(counts) == 1:
        return total
    return f"{total}; the largest class is {counts.max() / counts.min():.1f} times the smallest"
