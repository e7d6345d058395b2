"""Sharpness by the variance of the Laplacian, and what a threshold on it drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.figures import theme
from covid_xray.figures.distributions import draw_strips, values_by_class
from covid_xray.figures.marks import in_percent, label_line_ends
from covid_xray.figures.panels import Panel, draw_panels

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
    strips[-1].xaxis.set_major_formatter("{x:,g}")
    strips[-1].xaxis.set_minor_formatter("")
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
            axes.axvline(threshold, color=theme.INK, linestyle="--", linewidth=1.1)
        # Thresholds may be close together: the lowest has its name to the left.
        leftmost = place == 0 and len(ranked) > 1
        strips[0].annotate(
            f"{name}: {threshold:g}",
            (threshold, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-2 if leftmost else 2, 3 + 12 * max(0, place - 1)),
            textcoords="offset points",
            ha="right" if leftmost else "left",
        )


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
    cues = theme.class_cues(sharpness["label"].astype(str))
    figure, grid = theme.new_figure()
    axes = grid[0, 0]
    ends = {}
    for label, cue in cues.items():
        rows = sharpness[sharpness["label"] == label].sort_values("threshold")
        line = "--" if label == theme.ALL_CLASSES else "-"
        look = {"color": cue.colour, "marker": cue.marker, "linestyle": line, "markersize": 4}
        axes.plot("threshold", "kept_share", data=rows, label=label, clip_on=False, **look)
        ends[theme.class_name(label)] = (float(rows["kept_share"].iloc[-1]), cue.colour)
    _mark_published(axes, published, at)
    axes.set(ylim=(min(0, *axes.get_ylim()), 1.02), xlim=(None, sharpness["threshold"].max()))
    axes.set(xlabel=f"threshold on the {_VARIANCE}", ylabel="radiographs kept")
    in_percent(axes, "y")
    theme.add_title(figure, "Radiographs kept by a threshold on sharpness")
    label_line_ends(axes, ends)
    return figure


def _mark_published(axes: Axes, published: tuple[float, float], at: float) -> None:
    low, high = published
    axes.vlines(at, low, high, color=theme.INK, linewidth=5, alpha=theme.AREA, label="published")
    # Lines come down from 100%: the lower left is free.
    axes.annotate(
        f"Report A: {low:.0%} to {high:.0%}\nper class, at {at:g}",
        (at, low),
        xytext=(at, 0.06),
        textcoords=("data", "axes fraction"),
        ha="center",
        arrowprops={"arrowstyle": "-", "color": theme.INK, "linewidth": 0.7},
    )


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
    ranked = table.reset_index(drop=True).sort_values("laplacian_variance", kind="stable")
    kept = ranked["laplacian_variance"] >= threshold
    rows = [
        [
            _verdict(pixels[place], ranked.loc[place], verdict)
            for place in of_verdict.index[start : start + _PER_ROW]
        ]
        for verdict, of_verdict in (("dropped", ranked[~kept]), ("kept", ranked[kept]))
        for start in range(0, len(of_verdict), _PER_ROW)
    ]
    title = f"Radiographs nearest the sharpness threshold of {threshold:g}"
    subtitle = "Under each: the variance of its Laplacian"
    return draw_panels(rows, title=title, subtitle=subtitle)[0]


def _verdict(pixels: NDArray[np.uint8], row: pd.Series, verdict: str) -> Panel:
    colour = theme.KEPT if verdict == "kept" else theme.DROPPED
    label, variance = theme.class_name(str(row["label"])), row["laplacian_variance"]
    return Panel(pixels, str(row["image_id"]), f"{label}\n{variance:.1f}, {verdict}", colour)
