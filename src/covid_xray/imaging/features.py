"""The five exploratory features of Report A (section Visualisation et Statistiques, Annex 6)."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.resizing import resize_lung_mask
from covid_xray.progress import progress


@dataclass(frozen=True)
class LungFeatures:
    """What a radiograph looks like inside its lung mask; NaN where there is no mask.

    Attributes:
        mask_area: share of the picture covered by the mask, 0 to 1.
        masked_luminosity: mean grey inside the mask, 0 to 255.
        masked_contrast: standard deviation of grey inside the mask, 0 to 127.5.
    """

    mask_area: float = float("nan")
    masked_luminosity: float = float("nan")
    masked_contrast: float = float("nan")


EXPLORATORY_FEATURES = ("luminosity", "rms_contrast", *(own.name for own in fields(LungFeatures)))


def luminosity(pixels: NDArray[np.uint8]) -> float:
    """Mean grey level of a radiograph, 0 to 255 (Report A, Figure 3)."""
    return float(cv2.mean(pixels)[0])


def rms_contrast(pixels: NDArray[np.uint8]) -> float:
    """RMS contrast: standard deviation of grey levels, 0 to 127.5 (Report A, Figure 4).

    The definition is Peli's (J. Opt. Soc. Am. A 7, 1990), on the 0-255 scale.
    """
    _, deviation = cv2.meanStdDev(pixels)
    return float(deviation[0, 0])


def lung_features(pixels: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> LungFeatures:
    """Area, luminosity and contrast of the lungs (Report A, Figure 5 and Annex 6).

    Args:
        pixels: uint8 array (height, width).
        mask: 0/1 uint8 array of any size with the same proportions, or None.
    """
    if mask is None:
        return LungFeatures()
    area = float(np.count_nonzero(mask)) / mask.size
    on_image = resize_lung_mask(mask, pixels.shape)
    if not on_image.any():
        return LungFeatures(mask_area=area)
    mean, deviation = cv2.meanStdDev(pixels, mask=on_image)
    return LungFeatures(area, float(mean[0, 0]), float(deviation[0, 0]))


def exploratory_features(
    images: NDArray[np.uint8], masks: NDArray[np.uint8], rows: NDArray[np.intp]
) -> pd.DataFrame:
    """The five features of some stored radiographs, at the size they are stored in.

    Args:
        images: uint8 array (n, side, side).
        masks: 0/1 uint8 array (n, side, side); all 0 where there is no mask.
        rows: row numbers.

    Returns:
        One row per radiograph, in the order of `rows`, with `EXPLORATORY_FEATURES` as columns.
    """
    measured = []
    for row in progress(rows, "Measuring radiographs", len(rows)):
        mask = masks[row] if masks[row].any() else None
        lungs = lung_features(images[row], mask)
        measured.append((luminosity(images[row]), rms_contrast(images[row]), *astuple(lungs)))
    return pd.DataFrame(measured, columns=list(EXPLORATORY_FEATURES), dtype=float)
