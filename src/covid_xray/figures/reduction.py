"""Dimension reduction: eigen-images, explained variance and reconstructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from covid_xray.figures import theme
from covid_xray.figures.marks import in_percent
from covid_xray.figures.panels import Panel, draw_panels, in_rows

_EIGEN_IMAGES = 15
_PER_ROW = 4


@theme.themed
def draw_eigen_images(
    mean: NDArray[Any], components: NDArray[np.floating], explained: NDArray[np.floating]
) -> Figure:
    """Mean radiograph and the first eigen-images, with their share of variance (Report A, PCA).

    Args:
        mean: array (side, side), on 0-255 or 0-1.
        components: array (k, side, side), signed.
        explained: array (k,), share of the variance that each component explains.
    """
    panels = [Panel(mean, "mean radiograph", scale={"cmap": theme.GREY})]
    for number, image in enumerate(components[:_EIGEN_IMAGES], start=1):
        # Only the pattern of signs matters: each has its own scale, with 0 in the middle.
        limit = float(np.abs(image).max()) or 1.0
        scale = theme.look(cmap=theme.DIVERGING, vmin=-limit, vmax=limit)
        panels.append(Panel(image, f"{number}: {explained[number - 1]:.1%}", scale=scale))
    note = "Share of variance explained; blue and red are opposite signs"
    rows = in_rows(panels, _PER_ROW)
    return draw_panels(rows, title="Eigen-images of the radiographs", subtitle=note)[0]


@theme.themed
def draw_explained_variance(
    explained: pd.DataFrame, published_share: float = 0.89, published_components: int = 50
) -> Figure:
    """Variance explained by the first components together, beside Report A's point.

    Args:
        explained: `component` (from 1), `explained_share`, `cumulative_share`.
        published_share: share that Report A's components explain.
        published_components: number of components that Report A keeps.
    """
    if explained.empty:
        return theme.say("No principal component was computed for this study.")
    # A small study may have fewer components than Report A keeps.
    own = explained[explained["component"] <= published_components].iloc[-1]
    n_own, share = int(own["component"]), own["cumulative_share"]
    own_text = f"this study: {share:.1%} with {n_own} components"
    text = f"Report A: {published_share:.0%} with {published_components} components"
    figure, grid = theme.new_figure()
    axes = grid[0, 0]
    axes.plot("component", "cumulative_share", data=explained, color=theme.STUDY, label="")
    axes.plot(n_own, share, "o", color=theme.STUDY, label=own_text)
    axes.plot(published_components, published_share, "D", color=theme.INK, label=text)
    # The curve rises and flattens, so this corner is free.
    axes.legend(loc="lower right")
    axes.set(ylim=(0, 1.02), xlim=(0, None), ylabel="variance explained")
    axes.set_xlabel("principal components kept")
    in_percent(axes, "y")
    return theme.titled(figure, "Variance explained by the first principal components")


@theme.themed
def draw_reconstructions(
    originals: NDArray[Any],
    reconstructions: Mapping[str, NDArray[Any]],
    titles: Sequence[str],
    ssim: Mapping[str, NDArray[np.floating]],
) -> Figure:
    """Radiographs and what each method makes of them (Report A, Figure 6 and Annex 10).

    Args:
        originals: array (n, height, width), on 0-255.
        reconstructions: array (n, height, width), on 0-255, per method.
        titles: one per radiograph, with its class.
        ssim: array (n,), structural similarity to the original, per method.
    """
    if not len(originals):
        return theme.say("No radiographs were reconstructed.")
    rows = [[Panel(*panel) for panel in zip(originals, titles, strict=True)]]
    for method, pictures in reconstructions.items():
        scored = zip(pictures, ssim[method], strict=True)
        rows.append([Panel(picture, caption=f"SSIM {value:.2f}") for picture, value in scored])
    row_titles = ["Original", *reconstructions]
    return draw_panels(rows, row_titles, title="Radiographs and their reconstructions")[0]
