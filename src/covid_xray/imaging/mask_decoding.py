"""From the bytes of a lung mask's file to its lungs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from covid_xray.imaging.formats import MAX_PIXELS
from covid_xray.imaging.pictures import Pixels, read_picture
from covid_xray.imaging.rejection import RejectedFileError, RejectionReason

Mask = NDArray[np.uint8]

_ASPECT_TOLERANCE = 0.02
_LARGEST_AREA = 0.6  # of the picture; lungs are a quarter to two fifths of it


def decode_lung_mask(
    content: bytes, image_shape: tuple[int, int], max_pixels: int = MAX_PIXELS
) -> Mask:
    """Decode a lung mask that belongs to an image of `image_shape`.

    Sizes may differ (Kaggle's images are 299x299, its masks 256x256), proportions may not. One or
    two levels above black are lung. Where the colours show no lungs, transparency or a palette's
    numbers may.

    Args:
        content: the file's bytes.
        image_shape: (height, width) of the radiograph, in pixels.
        max_pixels: most pixels accepted.

    Returns:
        uint8 array at the mask's own size, 1 in the lungs and 0 elsewhere.

    Raises:
        RejectedFileError: if the mask is unreadable, empty, inverted, too large, not binary, or of
            other proportions.
    """
    picture, pixels = read_picture(content, max_pixels)
    _check_proportions((pixels.shape[0], pixels.shape[1]), image_shape)
    first, *others = _candidates(picture, pixels)
    try:
        return _lungs(first)
    except RejectedFileError:
        for levels in others:
            return _lungs(levels)
        raise


def join_lung_masks(masks: Sequence[Mask]) -> Mask:
    """The union of the masks of both lungs, 0/1 uint8 (height, width); one mask stays as it is.

    Raises:
        RejectedFileError: if they differ in size, or cover too much of the picture.
    """
    first, *others = masks
    for other in others:
        if other.shape != first.shape:
            sizes = " and ".join(f"{mask.shape[1]}x{mask.shape[0]}" for mask in masks)
            detail = f"the masks of the two lungs are {sizes} pixels"
            raise RejectedFileError(RejectionReason.WRONG_MASK_SIZE, detail)
        first = first | other
    _check_area(first)
    return first


def _candidates(picture: Image.Image, pixels: Pixels) -> list[Pixels]:
    """What may show the lungs: the brightest channel, then transparency or a palette's numbers."""
    # The brightest channel, because a colour that stands for a lung may be nearly black as grey.
    shown = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    if picture.has_transparency_data:
        alpha = np.asarray(ImageOps.exif_transpose(picture).convert("RGBA"))[..., 3]
        if alpha.min() < alpha.max():
            return [np.where(alpha > 127, shown, 0).astype(shown.dtype), alpha]
    if picture.mode == "P" and shown.min() == shown.max():
        return [np.asarray(ImageOps.exif_transpose(picture))]
    return [shown]


def _lungs(levels: Pixels) -> Mask:
    # Not brought to 8 bits before: a 16-bit mask of 0 and 1 would come out empty.
    top = int(levels.max())
    if top == 0:
        raise RejectedFileError(RejectionReason.EMPTY_MASK, "no pixel is marked as lung")
    marked = [level for level in _levels(levels) if level > 0.1 * top]
    if len(marked) <= 2 and levels.min() == 0:
        # One value, or one for each lung.
        mask = (levels >= min(marked)).astype(np.uint8)
    else:
        mask = (levels > top / 2).astype(np.uint8)
        _check_two_levels(levels, mask, marked)
    _check_area(mask)
    return mask


def _levels(levels: Pixels) -> list[int]:
    if levels.dtype != np.uint8:
        return [int(level) for level in np.unique(levels)]
    counts = cv2.calcHist([np.ascontiguousarray(levels)], [0], None, [256], [0, 256])
    return [int(level) for level in np.flatnonzero(counts)]


def _check_proportions(mask_shape: tuple[int, int], image_shape: tuple[int, int]) -> None:
    mask_aspect, image_aspect = (width / height for height, width in (mask_shape, image_shape))
    # One pixel of rounding moves the aspect of a small image; 2 % covers it from 50 pixels on.
    if abs(mask_aspect / image_aspect - 1) > _ASPECT_TOLERANCE:
        raise RejectedFileError(
            RejectionReason.WRONG_MASK_SIZE,
            f"mask is {mask_shape[1]}x{mask_shape[0]}, its image {image_shape[1]}x{image_shape[0]}",
        )


def _check_two_levels(levels: Pixels, mask: Mask, marked: list[int]) -> None:
    top = int(levels.max())
    if marked == list(range(1, top + 1)):
        detail = f"it has {top} labels, of which only some can be lungs: give these 1 and 2"
        raise RejectedFileError(RejectionReason.MASK_NOT_BINARY, detail)
    # Interpolated or JPEG masks have soft edges; more than a tenth of in-between pixels is no edge,
    # nor is a whole region of them.
    between = float(np.mean((levels > 0.1 * top) & (levels < 0.9 * top)))
    if between > 0.1 or _largest_grey_region(levels > 0.1 * top, mask) > 0.01:
        raise RejectedFileError(
            RejectionReason.MASK_NOT_BINARY,
            f"{between:.0%} of its pixels are neither background nor lung",
        )


def _largest_grey_region(marked: NDArray[np.bool_], mask: Mask) -> float:
    """Share of the picture of the largest marked region without a lung in it."""
    n_regions, regions = cv2.connectedComponents(marked.astype(np.uint8), connectivity=8)
    area = np.bincount(regions.ravel(), minlength=n_regions)
    n_lung = np.bincount(regions[mask == 1], minlength=n_regions)
    grey = area[1:][n_lung[1:] == 0]
    return float(grey.max(initial=0)) / mask.size


def _check_area(mask: Mask) -> None:
    area = np.count_nonzero(mask) / mask.size
    frame = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if area < 1 and frame.mean() > 0.5:
        detail = f"{frame.mean():.0%} of the picture's border is lung: swap black and white"
        raise RejectedFileError(RejectionReason.INVERTED_MASK, detail)
    if area > _LARGEST_AREA:
        detail = f"{area:.0%} of the picture is lung, at most {_LARGEST_AREA:.0%} are believed"
        raise RejectedFileError(RejectionReason.MASK_TOO_LARGE, detail)
