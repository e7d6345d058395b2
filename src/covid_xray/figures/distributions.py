"""Distribution of a measured feature in each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.figures import theme

_STRIP = 0.72  # inches

Values = Mapping[str, NDArray[np.float64]]


@theme.themed
def draw_distribution(features: pd.DataFrame, feature: str, title: str, unit: str) -> Figure:
    """Histograms of a feature, a strip of area 1 per class (Report A, Figures 3, 4 and 5).

    Args:
        features: one row per radiograph: `label` and the feature, NaN where it has no value.
        feature: column to draw, such as `luminosity`, `rms_contrast` or `mask_area`.
        title: title of the figure.
        unit: label of the value axis, such as `grey levels`.
    """
    values = values_by_class(features, feature)
    pooled = np.concatenate([np.empty(0), *values.values()])
    missing = "no lung mask" if feature.startswith("mask") else "no values"
    if not len(pooled):
        return theme.say(f"{title}: {missing} in any class of this study.")
    bins = np.histogram_bin_edges(pooled, bins="rice").astype(np.float64)
    figure, strips = draw_strips(values, bins, missing)
    strips[-1].xaxis.set_major_formatter("{x:,g}")
    strips[-1].set_xlabel(unit or title)
    return theme.titled(figure, title, "Every class has the same area; the line is its median")


def values_by_class(features: pd.DataFrame, feature: str) -> dict[str, NDArray[np.float64]]:
    """Finite values of a feature per class, in sorted order; empty where a class has none."""
    values = features[feature].astype(float)
    by_class = values.where(np.isfinite(values)).groupby(features["label"].astype(str))
    return {str(label): np.asarray(group.dropna(), np.float64) for label, group in by_class}


def draw_strips(
    values: Values, bins: NDArray[np.float64], missing: str, *, log: bool = False
) -> tuple[Figure, Sequence[Axes]]:
    """One histogram per class, in strips under one another with the same axes.

    Args:
        values: values per class; those beyond the bins are counted in the outermost ones.
        bins: edges of the bins, equal in width, or in ratio if `log`.
        missing: what a strip says of a class without values.
        log: logarithmic value axis; heights are then shares of the class, else densities.

    Returns:
        The figure, and the axes of the strips.
    """
    colours = theme.class_colours(values)
    figure, grid = theme.new_figure(
        len(values), height=1.4 + _STRIP * len(values), sharex=True, sharey=True
    )
    strips: list[Axes] = list(grid[:, 0])
    for axes, (label, of_class) in zip(strips, values.items(), strict=True):
        axes.set(xscale="log" if log else "linear", yticks=[])
        axes.spines["left"].set_visible(False)
        name = f"{theme.class_name(label)}\nn = {len(of_class):,}"
        axes.set_ylabel(name, rotation=0, ha="right", va="bottom", y=0)
        if len(of_class):
            _draw_histogram(axes, of_class, bins, colours[label], density=not log)
        else:
            theme.write_muted(axes, missing)
    # Room above for the medians.
    strips[0].set(ylim=(0, 1.25 * max(axes.dataLim.y1 for axes in strips)), xlim=bins[[0, -1]])
    return figure, strips


def _draw_histogram(
    axes: Axes, values: NDArray[np.float64], bins: NDArray[np.float64], colour: str, density: bool
) -> None:
    counts, _ = np.histogram(values.clip(bins[0], bins[-1]), bins)
    heights = counts / len(values) / (np.diff(bins) if density else 1)
    colours = theme.look(facecolor=(colour, theme.AREA), edgecolor=colour)
    axes.stairs(heights, bins, fill=True, linewidth=theme.LINE, **colours)
    median = float(np.median(values))
    place = max(median, bins[0])
    axes.axvline(place, color=theme.INK, linewidth=1)
    words = f" {median:,.0f}" if abs(median) >= 1000 else f" {median:.3g}"
    where = theme.look(transform=axes.get_xaxis_transform(), va="top")
    axes.text(place, 1, words, path_effects=theme.HALO, **where)
