"""Grids of radiographs: lung masks, duplicates and augmented images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from covid_xray.figures import theme

_TINT = 0.3
_BRIGHTEST = 32  # grey levels


def overlay_mask(pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tint a radiograph inside its lung mask and draw the mask's inner contour.

    Args:
        pixels: uint8 array (height, width).
        mask: array (height, width), 1 in the lungs and 0 outside.

    Returns:
        uint8 RGB array (height, width, 3); grey as it was outside the mask.
    """
    inside = mask > 0
    colour = 255 * np.array(to_rgb(theme.MASK))
    overlay = np.repeat(pixels[..., None], 3, axis=2).astype(np.float64)
    overlay[inside] += _TINT * (colour - overlay[inside])
    core = binary_erosion(inside, iterations=max(1, pixels.shape[0] // 128))
    overlay[inside & ~core] = colour
    return np.rint(overlay).astype(np.uint8)


@theme.themed
def draw_lung_masks(
    pixels: NDArray[np.uint8], masks: NDArray[np.uint8], titles: Sequence[str]
) -> Figure:
    """Radiographs, their lung masks and one laid over the other (Report A, Annex 5).

    Args:
        pixels: uint8 array (n, height, width).
        masks: array (n, height, width), 1 in the lungs and 0 outside.
        titles: one per radiograph.
    """
    if not len(pixels):
        return theme.say("The study has no lung masks, so there are none to lay over radiographs.")
    tile = 1.25 * theme.TILE
    figure, grid = theme.new_figure(
        len(pixels), 3, width=3 * tile + 0.5, height=len(pixels) * tile + 0.7
    )
    for row, picture, mask, title in zip(grid, pixels, masks, titles, strict=True):
        theme.show_radiograph(row[0], picture)
        theme.show_radiograph(row[1], np.where(mask > 0, 255, 0))
        theme.show_radiograph(row[2], overlay_mask(picture, mask))
        row[0].set_ylabel(theme.wrapped(title, tile), fontsize=theme.SMALL_SIZE)
    for axes, heading in zip(
        grid[0], ("Radiograph", "Lung mask", "Mask over radiograph"), strict=True
    ):
        axes.set_title(heading)
    theme.add_title(figure, "Radiographs and their lung masks")
    return figure


@theme.themed
def draw_duplicates(
    first: NDArray[np.uint8], second: NDArray[np.uint8], pairs: pd.DataFrame
) -> Figure:
    """Detected duplicates side by side, with their difference (Report A, Figure 8).

    Args:
        first: uint8 array (n, height, width), the first radiograph of each pair.
        second: uint8 array (n, height, width), the second.
        pairs: a row per pair: `image_id_1, image_id_2, label_1, ssim, hash_distance`.
    """
    if not len(pairs):
        return theme.say("No duplicate radiographs were found in this study.")
    difference = np.abs(first.astype(np.int16) - second).astype(np.uint8)
    # A few stark pixels must not drown all others.
    brightest = int(np.clip(difference.max(), 1, _BRIGHTEST))
    figure, grid = theme.new_figure(
        len(pairs), 3, width=3 * theme.TILE + 1.8, height=len(pairs) * (theme.TILE + 0.25) + 1.2
    )
    for place, (row, pair) in enumerate(zip(grid, pairs.itertuples(), strict=True)):
        theme.show_radiograph(row[0], first[place], str(pair.image_id_1))
        theme.show_radiograph(row[1], second[place], str(pair.image_id_2))
        shown = row[2].imshow(difference[place], cmap=theme.SEQUENTIAL, vmin=0, vmax=brightest)
        theme.bare(row[2])
        most = int(difference[place].max())
        row[2].set_title(
            f"differ by up to {most}" if most else "identical", fontsize=theme.SMALL_SIZE
        )
        row[0].set_ylabel(_pair_title(pair), rotation=0, ha="right", va="center", labelpad=8)
    beyond = "max" if difference.max() > brightest else "neither"
    bar = figure.colorbar(
        shown, ax=grid, location="bottom", extend=beyond,
        anchor=(1.0, 0.0), shrink=0.33, aspect=14, pad=0.02,
    )  # fmt: skip
    bar.set_label("difference (grey levels)", fontsize=theme.SMALL_SIZE)
    bar.outline.set_visible(False)
    theme.style_ticks(bar.ax)
    theme.add_title(figure, "Duplicate radiographs")
    return figure


def _pair_title(pair: object) -> str:
    label, ssim, distance = (getattr(pair, name) for name in ("label_1", "ssim", "hash_distance"))
    return f"{theme.class_name(str(label))}\nSSIM {ssim:.3f}\nhash distance {distance}"


@theme.themed
def draw_augmentations(
    original: NDArray[np.uint8], augmented: NDArray[np.uint8], row_titles: Sequence[str]
) -> Figure:
    """A radiograph and images made of it by ever more transformations (Report A, Figure 9).

    Args:
        original: uint8 array (height, width).
        augmented: uint8 array (rows, columns, height, width), a row per number of transformations.
        row_titles: what each row adds, such as `zoom` and `+ rotation`.
    """
    n_rows, n_columns = augmented.shape[:2]
    big = 1.5
    figure, grid = theme.new_figure(
        n_rows, 1 + n_columns,
        width=(big + n_columns) * theme.TILE + 0.5, height=max(n_rows, big) * theme.TILE + 0.8,
        gridspec_kw={"width_ratios": [big] + [1] * n_columns},
    )  # fmt: skip
    left = grid[0, 0]
    left.set_subplotspec(left.get_gridspec()[:, 0])
    left.set_anchor("N")
    for axes in grid[1:, 0]:
        axes.remove()
    theme.show_radiograph(left, original, "Original")
    for row, pictures, title in zip(grid[:, 1:], augmented, row_titles, strict=True):
        for axes, picture in zip(row, pictures, strict=True):
            theme.show_radiograph(axes, picture)
        row[0].set_ylabel(title)
    theme.add_title(figure, "Augmentation, one more random transformation per row")
    return figure
