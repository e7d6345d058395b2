"""Whether a classifier looks at the lungs (Report B, Sources de biais au sein de l'image).

Report B looks at a few Grad-CAM heatmaps (Selvaraju et al., ICCV 2017) and judges by eye; here
the share of their mass that lies inside the lungs is measured, beside the share of the picture
that the lungs take up: a heatmap that is everywhere alike has no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals, mean_interval
from covid_xray.evaluation.scoring import ALL

_SCORES = ("mass_inside", "mass_inside_low", "mass_inside_high", "lung_area", "ratio")
_COLUMNS = ["label", "n", "n_without_evidence", *_SCORES]


def share_inside_lungs(
    heatmaps: NDArray[np.floating], lung_masks: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Share of each heatmap's sum that lies inside the lungs (Report B, Grad-CAM).

    Args:
        heatmaps: evidence, 0 or more, (n, height, width).
        lung_masks: 0/1 uint8 array of the same shape.

    Returns:
        Shares (n,), 0 to 1; NaN where a heatmap is all 0: nothing spoke for the class.

    Raises:
        ValueError: where the shapes differ.
    """
    if heatmaps.shape != lung_masks.shape:
        raise ValueError(
            f"heatmaps and lung masks of different shapes: {heatmaps.shape} and {lung_masks.shape}"
        )
    shares = np.full(len(heatmaps), np.nan)
    # One radiograph at a time: both may be memory maps of a large study.
    for row, (heatmap, mask) in enumerate(zip(heatmaps, lung_masks, strict=True)):
        lungs = mask.astype(np.bool_)
        inside, outside = (heatmap[place].sum(dtype=np.float64) for place in (lungs, ~lungs))
        # Not over the sum of all pixels, which rounding may leave below the part.
        if inside + outside > 0:
            shares[row] = inside / (inside + outside)
    return shares


def lung_areas(lung_masks: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of the picture that each 0/1 uint8 mask (n, height, width) takes up, (n,)."""
    areas: NDArray[np.float64] = lung_masks.mean(axis=(1, 2), dtype=np.float64)
    return areas


def summarise_lung_attribution(
    labels: Sequence[str],
    shares: NDArray[np.float64],
    areas: NDArray[np.float64],
    intervals: Intervals,
) -> pd.DataFrame:
    """Mean share of the heatmaps inside the lungs, per class and over all (Report B, Grad-CAM).

    Args:
        labels: class of each radiograph, (n,).
        shares: what `share_inside_lungs` returns, (n,).
        areas: what `lung_areas` returns, (n,).
        intervals: of the scores.

    Returns:
        One row per label in sorted order, then `all`: `label`; `n` radiographs, of which
        `n_without_evidence` have a heatmap that is all 0; and over the others `mass_inside` with
        `mass_inside_low, mass_inside_high`, `lung_area` (mean share of the picture) and `ratio`
        (`mass_inside` over `lung_area`): 1 for a heatmap that is everywhere alike, NaN where no
        mask has a lung. All five are NaN where no radiograph has evidence.

    Raises:
        ValueError: where the numbers of labels, shares and areas differ.
    """
    classes = np.array(list(labels), dtype=object)
    if not len(classes) == len(shares) == len(areas):
        raise ValueError(f"{len(classes)} labels for {len(shares)} heatmaps, {len(areas)} masks")
    groups = {name: classes == name for name in sorted(set(classes))}
    groups |= {ALL: np.ones(len(classes), np.bool_)}
    rows = [
        {"label": name} | _summarise(shares[own], areas[own], intervals)
        for name, own in groups.items()
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _summarise(
    shares: NDArray[np.float64],
    areas: NDArray[np.float64],
    intervals: Intervals,
) -> dict[str, Any]:
    """Counts of radiographs, and the scores of those that have evidence."""
    evident = ~np.isnan(shares)
    row = {"n": len(shares), "n_without_evidence": int((~evident).sum())}
    if not evident.any():
        return row
    low, high = mean_interval(shares[evident], intervals)
    inside, area = float(shares[evident].mean()), float(areas[evident].mean())
    ratio = inside / area if area else float("nan")
    return row | dict(zip(_SCORES, (inside, low, high, area, ratio), strict=True))
