"""Sharpness by the variance of the Laplacian, and what a threshold on it drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.figures import theme
from covid_xray.figures.distributions import draw_strips, values_by_class
from covid_xray.figures.marks import in_percent, label_line_ends
from covid_xray.figures.panels import Panel, draw_panels, in_rows

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
    positive = [*pooled[pooled >= _FLAT], *thresholds.values()] or [1.0]
    # Room on either side, for a constant or for a threshold at the edge.
    bins = np.geomspace(min(positive) / 1.15, max(positive) * 1.15, _BINS + 1)
    figure, strips = draw_strips(values, bins, "no values", log=True)
    _mark_thresholds(strips, thresholds)
    strips[-1].xaxis.set_major_formatter("{x:,g}")
    strips[-1].xaxis.set_minor_formatter("")
    strips[-1].set_xlabel(f"{_VARIANCE}, log scale")
    flat = f"; {n_flat} below {_FLAT:g} in the first bin" if n_flat else ""
    subtitle = f"Share of the class per bin; the full line is its median{flat}"
    return theme.titled(figure, "Sharpness of the radiographs", subtitle)


def _mark_thresholds(strips: Sequence[Axes], thresholds: Mapping[str, float]) -> None:
    above = strips[0].get_xaxis_transform()
    for place, (name, threshold) in enumerate(thresholds.items()):
        for axes in strips:
            axes.axvline(threshold, color=theme.INK, linestyle="--", linewidth=1.1)
        # Thresholds may be close together: each has its name on a line of its own.
        height = 1.05 + 0.25 * place
        strips[0].text(threshold, height, f" {name}: {threshold:g}", transform=above)


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
    for label, cue in cues.items():
        rows = sharpness[sharpness["label"] == label].sort_values("threshold")
        look = theme.look(label=theme.class_name(label), markersize=4, clip_on=False)
        axes.plot("threshold", "kept_share", data=rows, **cue._asdict(), **look)
    low, high = published
    text = f"Report A: {low:.0%} to {high:.0%} per class, at {at:g}"
    bar = axes.vlines(at, low, high, color=theme.INK, linewidth=5, alpha=theme.AREA, label=text)
    # Lines come down from 100%: the lower left is free.
    axes.legend(handles=[bar], loc="lower left")
    axes.set(ylim=(min(0, *axes.get_ylim()), 1.02), xlim=(None, sharpness["threshold"].max()))
    axes.set(xlabel=f"threshold on the {_VARIANCE}", ylabel="radiographs kept")
    in_percent(axes, "y")
    theme.titled(figure, "Radiographs kept by a threshold on sharpness")
    label_line_ends(axes)
    return figure


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
    rows = []
    for verdict, of_verdict in (("dropped", ranked[~kept]), ("kept", ranked[kept])):
        cases = zip(pixels[of_verdict.index], of_verdict.to_dict("records"), strict=True)
        panels = [_verdict(picture, row, verdict) for picture, row in cases]
        rows += in_rows(panels, _PER_ROW)
    title = f"Radiographs nearest the sharpness threshold of {threshold:g}"
    subtitle = "Under each: the variance of its Laplacian"
    return draw_panels(rows, title=title, subtitle=subtitle)[0]


def _verdict(pixels: NDArray[np.uint8], row: Any, verdict: str) -> Panel:
    colour = theme.KEPT if verdict == "kept" else theme.DROPPED
    caption = f"{theme.class_name(row['label'])}\n{row['laplacian_variance']:.1f}, {verdict}"
    return Panel(pixels, str(row["image_id"]), caption, colour)
