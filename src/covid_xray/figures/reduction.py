"""Dimension reduction: eigen-images, explained variance and reconstructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from covid_xray.figures import theme

_EIGEN_IMAGES = 15


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
    shown = components[:_EIGEN_IMAGES]
    columns = min(4, 1 + len(shown))
    rows = -(-(1 + len(shown)) // columns)
    figure, grid = theme.new_figure(
        rows, columns,
        width=max(columns * theme.TILE, 4.5) + 0.2, height=rows * (theme.TILE + 0.25) + 0.8,
    )  # fmt: skip
    cells = list(grid.flat)
    for axes in cells:
        axes.set_axis_off()
    cells[0].imshow(mean, cmap=theme.GREY)
    cells[0].set_title("mean radiograph", fontsize=theme.SMALL_SIZE)
    for number, (axes, image) in enumerate(zip(cells[1:], shown, strict=False), start=1):
        # Only the pattern of signs matters: each has its own scale, with 0 in the middle.
        limit = float(np.abs(image).max()) or 1.0
        axes.imshow(image, cmap=theme.DIVERGING, vmin=-limit, vmax=limit)
        share = f"{number}: {explained[number - 1]:.1%}"
        axes.set_title(share, fontsize=theme.SMALL_SIZE)
    theme.add_title(
        figure,
        "Eigen-images of the radiographs",
        "Share of variance explained; blue and red are opposite signs",
    )
    return figure


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
    figure, grid = theme.new_figure()
    axes = grid[0, 0]
    axes.plot(explained["component"], explained["cumulative_share"], color=theme.STUDY)
    # A small study may have fewer components than Report A keeps.
    own = explained[explained["component"] <= published_components].iloc[-1]
    share, components = float(own["cumulative_share"]), int(own["component"])
    axes.plot(
        components, share, "o", color=theme.STUDY,
        label=f"this study: {share:.1%} with {components} components",
    )  # fmt: skip
    axes.plot(
        published_components, published_share, "D", color=theme.REFERENCE,
        label=f"Report A: {published_share:.0%} with {published_components} components",
    )  # fmt: skip
    # The curve rises and flattens, so this corner is free.
    axes.legend(loc="lower right")
    axes.set_ylim(0, 1.02)
    axes.set_xlim(left=0)
    theme.light_grid(axes, "y")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("principal components kept")
    axes.set_ylabel("variance explained")
    theme.add_title(figure, "Variance explained by the first principal components")
    return figure


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
    n_columns, n_rows = len(originals), 1 + len(reconstructions)
    if not n_columns:
        return theme.say("No radiographs were reconstructed.")
    figure, grid = theme.new_figure(
        n_rows, n_columns,
        width=max(n_columns * theme.TILE, 3.5) + 0.4, height=n_rows * (theme.TILE + 0.2) + 0.6,
    )  # fmt: skip
    for axes, picture, title in zip(grid[0], originals, titles, strict=True):
        theme.show_radiograph(axes, picture, theme.wrapped(title, theme.TILE))
    grid[0, 0].set_ylabel("Original")
    for row, (method, pictures) in zip(grid[1:], reconstructions.items(), strict=True):
        for axes, picture, value in zip(row, pictures, ssim[method], strict=True):
            theme.show_radiograph(axes, picture)
            axes.set_xlabel(f"SSIM {value:.2f}", fontsize=theme.SMALL_SIZE)
        row[0].set_ylabel(theme.wrapped(method, theme.TILE))
    theme.add_title(figure, "Radiographs and their reconstructions")
    return figure
