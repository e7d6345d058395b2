"""From the bytes of an image file to an 8-bit grey radiograph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.formats import MAX_PIXELS, count_channels
from covid_xray.imaging.pictures import Pixels, read_picture, to_grey
from covid_xray.imaging.rejection import RejectedFileError, RejectionReason


@dataclass(frozen=True)
class Radiograph:
    """A decoded radiograph.

    Attributes:
        pixels: uint8 array (height, width), 0 black to 255 white, at the file's own size.
        bit_depth: bits of grey the file carried: 8, 12 or 16.
        channels: channels the file carried; a palette is one, transparency one more.
    """

    pixels: NDArray[np.uint8]
    bit_depth: int
    channels: int


def decode_radiograph(
    content: bytes, min_side: int = 32, max_pixels: int = MAX_PIXELS
) -> Radiograph:
    """Decode a PNG, JPEG, BMP, TIFF or WebP radiograph of any colour type into 8-bit grey.

    Colour is reduced with the Rec. 601 luma weights, transparency is dropped, and an orientation
    tag is obeyed.

    Args:
        content: the file's bytes.
        min_side: shortest side accepted, in pixels.
        max_pixels: most pixels accepted.

    Raises:
        RejectedFileError: if the bytes are no whole image, or no plausible radiograph.
    """
    picture, decoded = read_picture(content, max_pixels)
    pixels, bit_depth = _to_8_bit(to_grey(decoded))
    height, width = pixels.shape
    if min(height, width) < min_side:
        raise RejectedFileError(
            RejectionReason.TOO_SMALL, f"{width}x{height} pixels, at least {min_side} a side needed"
        )
    if pixels.min() == pixels.max():
        raise RejectedFileError(RejectionReason.BLANK, f"every pixel is {pixels.min()}")
    return Radiograph(pixels, bit_depth, count_channels(picture))


def _to_8_bit(grey: Pixels) -> tuple[NDArray[np.uint8], int]:
    """Scale the full range of the file's grey depth onto 0-255.

    X-ray detectors give 12 bits, which are stored in 16: a 16-bit file whose values all fit
    12 bits is read as the 12-bit radiograph it is, not as a nearly black 16-bit one.
    """
    if grey.dtype == np.uint8:
        return grey, 8  # type: ignore[return-value]
    bit_depth = 12 if int(grey.max()) < 2**12 else 16
    return _eight_bits(bit_depth)[grey], bit_depth


@cache
def _eight_bits(bit_depth: int) -> NDArray[np.uint8]:
    # By look-up: as real numbers, a large picture would take eight times its memory.
    scaled = np.rint(np.arange(2**bit_depth) * (255.0 / (2**bit_depth - 1)))
    levels: NDArray[np.uint8] = scaled.astype(np.uint8)
    return levels
