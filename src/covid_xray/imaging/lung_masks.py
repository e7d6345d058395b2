"""Post-processing of predicted lung masks: a chest has two lungs, and they have no holes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

N_LUNGS = 2


def clean_lung_mask(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep the two largest components of a predicted lung mask, and fill the holes in them.

    Of components of one area, the one that starts higher up, then further left, comes first.

    Args:
        mask: 0/1 uint8 array (height, width).

    Returns:
        0/1 uint8 array (height, width), with at most two 8-connected components; all 0 where
        `mask` is.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    # Label 0 is the background, whatever its area.
    area, top, left = stats[1:, [cv2.CC_STAT_AREA, cv2.CC_STAT_TOP, cv2.CC_STAT_LEFT]].T
    largest = np.lexsort((left, top, -area))[:N_LUNGS] + 1
    return _fill_holes(np.isin(labels, largest))


def count_components(mask: NDArray[np.uint8]) -> int:
    """Number of 8-connected components of a 0/1 uint8 mask (height, width)."""
    n_labels, _ = cv2.connectedComponents(mask, connectivity=8)
    return n_labels - 1


def _fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill what cannot reach the border; the result is 0/1 uint8."""
    # In OpenCV: scipy.ndimage.binary_fill_holes gives the same, but takes six times as long.
    # A margin joins all of the outside. A diagonal step does not leave an 8-connected lung, so
    # the background is 4-connected.
    background = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(background, connectivity=4)
    filled: NDArray[np.uint8] = (labels[1:-1, 1:-1] != labels[0, 0]).astype(np.uint8)
    return filled
