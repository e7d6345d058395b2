"""Sharpness by the variance of the Laplacian, and what a threshold on it drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from covid_xray.figures import theme
from covid_xray.figures.distributions import draw_strips, values_by_class
from covid_xray.figures.labels import label_line_ends

_BINS = 50
_FLAT = 0.1  # squared grey levels: below it nothing is in the picture, and logarithms run away
_PER_ROW = 6
_VARIANCE = "variance of the Laplacian (squared grey levels)"


@theme.themed
def draw_sharpness_distribution(features: pd.DataFrame, thresholds: Mapping[str, float]) -> Figure:
    """Variance of the Laplacian per class, on a log axis, with thresholds (Report A, Laplacian).

    Args:
        features: one row per radiograph: `label, laplacian_variance`.
        thresholds: thresholds by name, positive.
    """
    values = values_by_class(features, "laplacian_variance")
    pooled = np.concatenate([np.empty(0), *values.values()])
    if not len(pooled):
        return theme.say("Sharpness: no values in any class of this study.")
    n_flat = int((pooled < _FLAT).sum())
    # Flat radiographs have no logarithm; they are counted with the least sharp of the others.
    bins = _log_bins(np.concatenate([pooled[pooled >= _FLAT], list(thresholds.values())]))
    figure, strips = draw_strips(values, bins, "no values", log=True)
    _mark_thresholds(strips, thresholds)
    strips[-1].xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    strips[-1].xaxis.set_minor_formatter(NullFormatter())
    strips[-1].set_xlabel(f"{_VARIANCE}, log scale")
    flat = f"; {n_flat} below {_FLAT:g} in the first bin" if n_flat else ""
    subtitle = f"Share of the class per bin; the full line is its median{flat}"
    theme.add_title(figure, "Sharpness of the radiographs", subtitle)
    return figure


def _log_bins(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = (values.min(), values.max()) if len(values) else (1.0, 1.0)
    # Room on either side, for a constant or for a threshold at the edge.
    edges = np.geomspace(low / 1.15, high * 1.15, _BINS + 1)
    return np.asarray(edges, dtype=np.float64)


def _mark_thresholds(strips: Sequence[Axes], thresholds: Mapping[str, float]) -> None:
    ranked = sorted(thresholds.items(), key=lambda item: item[1])
    for place, (name, threshold) in enumerate(ranked):
        for axes in strips:
            axes.axvline(threshold, color=theme.REFERENCE, linestyle="--", linewidth=1.1)
        # Thresholds may be close together: the lowest has its name to the left.
        side = -1 if place == 0 and len(ranked) > 1 else 1
        strips[0].annotate(
            f"{name}: {threshold:g}", (threshold, 1), xycoords=("data", "axes fraction"),
            xytext=(2 * side, 3 + 12 * max(0, place - 1)), textcoords="offset points",
            ha="right" if side < 0 else "left", fontsize=theme.SMALL_SIZE,
        )  # fmt: skip


@theme.themed
def draw_kept_share(sharpness: pd.DataFrame, published: tuple[float, float], at: float) -> Figure:
    """Share of radiographs kept against the threshold, per class (Report A, Laplacian).

    Args:
        sharpness: `threshold, label, n_images, n_kept, kept_share`; the label `all` is the study.
        published: lowest and highest share over the classes that Report A kept.
        at: threshold of the published shares.
    """
    if sharpness.empty:
        return theme.say("No threshold of sharpness was tried on this study.")
    labels = [label for label in sharpness["label"].unique() if label != "all"]
    colours = {**theme.class_colours(labels), "all": theme.ALL}
    markers = {**theme.class_markers(labels), "all": "."}
    figure, grid = theme.new_figure()
    axes = grid[0, 0]
    ends = {}
    for label, rows in sharpness.sort_values("threshold").groupby("label", observed=True):
        name = "all classes" if label == "all" else theme.class_name(str(label))
        axes.plot(
            rows["threshold"], rows["kept_share"], color=colours[str(label)],
            marker=markers[str(label)], markersize=4, label=str(label), clip_on=False,
            linestyle="--" if label == "all" else "-",
        )  # fmt: skip
        ends[name] = (float(rows["kept_share"].iloc[-1]), colours[str(label)])
    _mark_published(axes, published, at)
    axes.set_ylim(min(0, *axes.get_ylim()), 1.02)
    axes.set_xlim(right=float(sharpness["threshold"].max()))
    theme.light_grid(axes, "y")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(f"threshold on the {_VARIANCE}")
    axes.set_ylabel("radiographs kept")
    theme.add_title(figure, "Radiographs kept by a threshold on sharpness")
    label_line_ends(axes, ends)
    return figure


def _mark_published(axes: Axes, published: tuple[float, float], at: float) -> None:
    low, high = published
    centre = (low + high) / 2
    axes.errorbar(
        [at], [centre], yerr=[[centre - low], [high - centre]], color=theme.REFERENCE,
        linewidth=5, alpha=0.35, capsize=0, label="published",
    )  # fmt: skip
    # Lines come down from 100%: the lower left is free.
    axes.annotate(
        f"Report A: {low:.0%} to {high:.0%}\nper class, at {at:g}", (at, low),
        xytext=(at, 0.06), textcoords=("data", "axes fraction"), ha="center",
        fontsize=theme.SMALL_SIZE, color=theme.REFERENCE,
        arrowprops={"arrowstyle": "-", "color": theme.REFERENCE, "linewidth": 0.7},
    )  # fmt: skip


@theme.themed
def draw_near_threshold(pixels: NDArray[np.uint8], table: pd.DataFrame, threshold: float) -> Figure:
    """Radiographs nearest a threshold of sharpness: dropped ones first, then kept ones.

    Args:
        pixels: uint8 array (n, height, width).
        table: one row per radiograph, in the same order: `image_id, label, laplacian_variance`.
        threshold: a radiograph at or above it is kept.
    """
    if table.empty:
        return theme.say("The study has no radiographs near the threshold of sharpness.")
    variances = table["laplacian_variance"].to_numpy(dtype=float)
    order = np.argsort(variances, kind="stable")
    kept = variances[order] >= threshold
    rows = [*_chunks(order[~kept]), *_chunks(order[kept])]
    columns = max(len(row) for row in rows)
    figure, grid = theme.new_figure(
        len(rows), columns,
        width=max(columns * theme.TILE, 4.5), height=len(rows) * (theme.TILE + 0.5) + 0.6,
    )  # fmt: skip
    for axes in grid.flat:
        axes.set_axis_off()
    for cells, row in zip(grid, rows, strict=True):
        for axes, place in zip(cells, row, strict=False):
            _show_verdict(axes, pixels[place], table.iloc[place], threshold)
    theme.add_title(
        figure, f"Radiographs nearest the sharpness threshold of {threshold:g}",
        "Under each: the variance of its Laplacian",
    )  # fmt: skip
    return figure


def _chunks(order: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [order[start : start + _PER_ROW] for start in range(0, len(order), _PER_ROW)]


def _show_verdict(axes: Axes, pixels: NDArray[np.uint8], row: pd.Series, threshold: float) -> None:
    kept = row["laplacian_variance"] >= threshold
    colour = theme.KEPT if kept else theme.DROPPED
    axes.set_axis_on()
    theme.show_radiograph(axes, pixels, theme.wrapped(str(row["image_id"]), theme.TILE))
    theme.frame(axes, colour)
    verdict = "kept" if kept else "dropped"
    text = f"{theme.class_name(str(row['label']))}\n{row['laplacian_variance']:.1f}, {verdict}"
    axes.set_xlabel(text, color=colour, fontsize=theme.SMALL_SIZE)
