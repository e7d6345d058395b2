"""Resizing of radiographs and lung masks to the square side of the study's arrays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def resize_radiograph(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Resize a radiograph to a square, as both reports do (Report B: 299 to the masks' 256).

    Pixel areas are averaged when shrinking, which keeps luminosity and avoids aliasing, and
    interpolated linearly when growing. A radiograph that is not square is stretched.

    Args:
        pixels: uint8 array (height, width).
        side: wanted height and width, in pixels.

    Returns:
        uint8 array (side, side).
    """
    if pixels.shape == (side, side):
        return pixels
    shrinks = pixels.shape[0] >= side and pixels.shape[1] >= side
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(pixels, (side, side), interpolation=interpolation)  # type: ignore[return-value]


def resize_lung_mask(mask: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize a 0/1 lung mask to (height, width), keeping its two values (nearest pixel)."""
    if mask.shape == shape:
        return mask
    height, width = shape
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)  # type: ignore[return-value]


def resize_rows(images: NDArray[np.uint8], rows: NDArray[np.intp], side: int) -> NDArray[np.uint8]:
    """Resize some rows of an array of radiographs; of a memory map, only these are read.

    Args:
        images: uint8 array (n, height, width).
        rows: row numbers.
        side: wanted height and width, in pixels.

    Returns:
        uint8 array (len(rows), side, side).
    """
    resized = np.empty((len(rows), side, side), np.uint8)
    for place, row in enumerate(rows):
        resized[place] = resize_radiograph(images[row], side)
    return resized
