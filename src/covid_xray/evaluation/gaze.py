"""Whether a classifier looks at the lungs (Report B, Sources de biais au sein de l'image).

Report B looks at a few Grad-CAM heatmaps (Selvaraju et al., ICCV 2017) and judges by eye; here
the share of their mass that lies inside the lungs is measured, beside the share of the picture
that the lungs take up: a gaze that looks everywhere alike has no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.class_scores import ALL
from covid_xray.evaluation.intervals import mean_interval

_SCORES = ("mass_inside", "mass_inside_low", "mass_inside_high", "lung_area", "ratio")
_COLUMNS = ["label", "n", "n_without_evidence", *_SCORES]


def mass_inside(
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
    areas: NDArray[np.float64] = np.count_nonzero(lung_masks, axis=(1, 2)) / np.prod(
        lung_masks.shape[1:]
    )
    return areas


def gaze_scores(
    label: Sequence[str],
    shares: NDArray[np.float64],
    areas: NDArray[np.float64],
    *,
    n_resamples: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Mean share of the heatmaps inside the lungs, per class and over all (Report B, Grad-CAM).

    Args:
        label: class of each radiograph, (n,).
        shares: what `mass_inside` returns, (n,).
        areas: what `lung_areas` returns, (n,).
        n_resamples: number of bootstrap samples.
        confidence: coverage of the interval, 0 to 1.
        seed: seed of the draw.

    Returns:
        One row per label in sorted order, then `all`: `label`; `n` radiographs, of which
        `n_without_evidence` have a heatmap that is all 0; and over the others `mass_inside` with
        `mass_inside_low, mass_inside_high`, `lung_area` (mean share of the picture) and `ratio`
        (`mass_inside` over `lung_area`): 1 for a gaze that looks everywhere alike, NaN where no
        mask has a lung. All five are NaN where no radiograph has evidence.

    Raises:
        ValueError: where the numbers of labels, shares and areas differ.
    """
    labels = np.array(list(label), dtype=object)
    if not len(labels) == len(shares) == len(areas):
        raise ValueError(f"{len(labels)} labels for {len(shares)} heatmaps, {len(areas)} masks")
    groups = {name: labels == name for name in sorted(set(labels))}
    groups |= {ALL: np.ones(len(labels), np.bool_)}
    rows = [
        {"label": name} | _summarise(shares[own], areas[own], n_resamples, confidence, seed)
        for name, own in groups.items()
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _summarise(
    shares: NDArray[np.float64],
    areas: NDArray[np.float64],
    n_resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """Counts of radiographs, and the scores of those that have evidence."""
    evident = ~np.isnan(shares)
    row = {"n": len(shares), "n_without_evidence": int((~evident).sum())}
    if not evident.any():
        return row | dict.fromkeys(_SCORES, float("nan"))
    low, high = mean_interval(shares[evident], n_resamples, confidence, seed)
    inside, area = float(shares[evident].mean()), float(areas[evident].mean())
    ratio = inside / area if area else float("nan")
    return row | dict(zip(_SCORES, (inside, low, high, area, ratio), strict=True))
