"""Grids of radiographs: lung masks, duplicates and augmented images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from covid_xray.figures import theme
from covid_xray.figures.panels import Panel, add_colour_key, draw_panels, draw_stages

_TINT = 0.3
_BRIGHTEST = 32  # grey levels

Pixels = NDArray[np.uint8]


def overlay_mask(pixels: Pixels, mask: Pixels) -> Pixels:
    """Tint a radiograph inside its lung mask and draw the mask's inner contour.

    Args:
        pixels: uint8 array (height, width).
        mask: array (height, width), 1 in the lungs and 0 outside.

    Returns:
        uint8 RGB array (height, width, 3); grey as it was outside the mask.
    """
    inside = mask > 0
    core = binary_erosion(inside, iterations=max(1, pixels.shape[0] // 128))
    return tint(tint(pixels, inside, theme.MASK, _TINT), inside & ~core, theme.MASK, 1)


def tint(pixels: Pixels, where: NDArray[np.bool_], colour: str, opacity: float) -> Pixels:
    """A radiograph, grey (height, width) or RGB (height, width, 3), in RGB and tinted somewhere."""
    tinted = (pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)).astype(np.float64)
    tinted[where] += opacity * (255 * np.array(to_rgb(colour)) - tinted[where])
    return np.rint(tinted).astype(np.uint8)


@theme.themed
def draw_lung_masks(pixels: Pixels, masks: Pixels, titles: Sequence[str]) -> Figure:
    """Radiographs, their lung masks and one laid over the other (Report A, Annex 5).

    Args:
        pixels: uint8 array (n, height, width).
        masks: array (n, height, width), 1 in the lungs and 0 outside.
        titles: one per radiograph.
    """
    if not len(pixels):
        return theme.say("The study has no lung masks, so there are none to lay over radiographs.")
    overlays = np.stack(list(map(overlay_mask, pixels, masks)))
    stages = {"Radiograph": pixels, "Lung mask": np.where(masks > 0, 255, 0)}
    stages["Mask over radiograph"] = overlays
    return draw_stages(stages, titles, "Radiographs and their lung masks")


@theme.themed
def draw_duplicates(first: Pixels, second: Pixels, pairs: pd.DataFrame) -> Figure:
    """Detected duplicates side by side, with their difference (Report A, Figure 8).

    Args:
        first: uint8 array (n, height, width), the first radiograph of each pair.
        second: uint8 array (n, height, width), the second.
        pairs: a row per pair: `image_id_1, image_id_2, label_1, ssim, hash_distance`.
    """
    if not len(pairs):
        return theme.say("No duplicate radiographs were found in this study.")
    differences = np.abs(first.astype(np.int16) - second).astype(np.uint8)
    # A few stark pixels must not drown all others.
    brightest = int(np.clip(differences.max(), 1, _BRIGHTEST))
    scale = theme.look(cmap=theme.SEQUENTIAL, norm=Normalize(0, brightest))
    records = pairs.to_dict("records")
    sides = zip(first, second, differences, records, strict=True)
    rows = [_pair(*side, scale=scale) for side in sides]
    row_titles = [_pair_title(pair) for pair in records]
    figure, grid = draw_panels(rows, row_titles, title="Duplicate radiographs", below=0.6)
    beyond = "max" if differences.max() > brightest else "neither"
    add_colour_key(figure, grid, ScalarMappable(**scale), "difference (grey levels)", extend=beyond)
    return figure


def _pair(
    first: Pixels, second: Pixels, difference: Pixels, pair: Any, **scale: Any
) -> list[Panel]:
    most = f"differ by up to {difference.max()}" if difference.any() else "identical"
    left, right = Panel(first, pair["image_id_1"]), Panel(second, pair["image_id_2"])
    return [left, right, Panel(difference, most, **scale)]


def _pair_title(pair: Mapping[Any, Any]) -> str:
    scores = f"SSIM {pair['ssim']:.3f}\nhash distance {pair['hash_distance']}"
    return f"{theme.class_name(pair['label_1'])}\n{scores}"


@theme.themed
def draw_augmentations(original: Pixels, augmented: Pixels, row_titles: Sequence[str]) -> Figure:
    """A radiograph and what ever more transformations make of it (Report A, Figure 9).

    Args:
        original: uint8 array (height, width), the source image.
        augmented: uint8 array (rows, columns, height, width), a row per number of transformations.
        row_titles: what each row adds, such as `zoom` and `+ rotation`.
    """
    rows = [[Panel(original)], *([Panel(picture) for picture in row] for row in augmented)]
    title = "Augmentation, one more transformation per row"
    return draw_panels(rows, ["original", *row_titles], title=title)[0]
