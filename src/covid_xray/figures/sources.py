"""Where a study's radiographs come from, and how many of each class there are."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from matplotlib.figure import Figure
from plotly.colors import hex_to_rgb

from covid_xray.figures import theme
from covid_xray.figures.marks import BAR, draw_class_bars

UNKNOWN = "unknown"


def known_sources(sources: pd.Series) -> pd.Series:
    """Source per radiograph, `unknown` where it is missing or blank."""
    named = sources.astype("object").where(sources.notna(), "").astype(str).str.strip()
    return named.where(named != "", UNKNOWN)


def by_size(labels: pd.Series) -> dict[str, int]:
    """How many there are of each label, the most frequent first, then in alphabetical order."""
    counts = labels.astype(str).value_counts(sort=False).sort_index()
    ranked = counts.sort_values(ascending=False, kind="stable")
    return {str(label): int(n) for label, n in ranked.items()}


def draw_sources(index: pd.DataFrame) -> go.Figure:
    """Flow of radiographs from their sources to the classes (Report A, Figure 1).

    Args:
        index: one row per radiograph: `image_id, label, source`; a source may be missing.
    """
    named = index.assign(source=known_sources(index["source"]))
    flows = named.groupby(["source", "label"], observed=True).size().rename("n").reset_index()
    per_source, per_class = by_size(named["source"]), by_size(named["label"])
    colours = theme.class_colours(per_class)
    sources, classes = list(per_source), sorted(per_class)
    names = [theme.in_browser(name) for name in (*sources, *map(theme.class_name, classes))]
    sizes = [*per_source.values(), *(per_class[label] for label in classes)]
    hover = "%{customdata}: %{value:,} radiographs<extra></extra>"
    nodes = {
        "label": [f"{name} ({n:,})" for name, n in zip(names, sizes, strict=True)],
        "color": [theme.MUTED] * len(sources) + list(colours.values()),
        "line": {"width": 0},
        "customdata": names,
        "hovertemplate": hover,
    }
    links = {
        "source": flows["source"].map(sources.index),
        "target": flows["label"].map(classes.index) + len(sources),
        "value": flows["n"],
        "color": [f"rgba{(*hex_to_rgb(colours[label]), 0.45)}" for label in flows["label"]],
        "customdata": (flows["source"] + " → " + flows["label"].map(theme.class_name)).map(
            theme.in_browser
        ),
        "hovertemplate": hover,
    }
    subtitle = f"{len(index):,} radiographs, from source (left) to class (right)"
    figure = go.Figure(go.Sankey(node=nodes, link=links))
    return theme.apply_theme(figure, "Sources of the radiographs", subtitle)


@theme.themed
def draw_class_counts(index: pd.DataFrame) -> Figure:
    """Radiographs per class, in number and share (Report A, Figure 2).

    Args:
        index: one row per radiograph: `image_id, label`.
    """
    if index.empty:
        return theme.say("The study has no radiographs to count.")
    counts = pd.Series(by_size(index["label"]))
    figure, grid = theme.new_figure(height=1.3 + BAR * len(counts))
    draw_class_bars(grid[0, 0], counts, [f"{n:,}  ({n / len(index):.0%})" for n in counts])
    grid[0, 0].margins(x=0.16)
    return theme.titled(figure, "Radiographs per class", _imbalance(counts))


def _imbalance(counts: pd.Series) -> str:
    total = f"{counts.sum():,} radiographs"
    if len(counts) == 1:
        return total
    return f"{total}; the largest class is {counts.max() / counts.min():.1f} times the smallest"
