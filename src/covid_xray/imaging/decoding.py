"""From the bytes of an image file to an 8-bit grey radiograph or a binary lung mask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

_Grey = NDArray[np.uint8] | NDArray[np.uint16]
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_ASPECT_TOLERANCE = 0.02


class RejectionReason(StrEnum):
    """Why a file of a study is left out."""

    EMPTY_FILE = "empty_file"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    BLANK = "blank"
    TOO_SMALL = "too_small"
    DUPLICATE_NAME = "duplicate_name"
    UNKNOWN_FOLDER = "unknown_folder"
    MASK_WITHOUT_IMAGE = "mask_without_image"
    WRONG_MASK_SIZE = "wrong_mask_size"
    MASK_NOT_BINARY = "mask_not_binary"
    EMPTY_MASK = "empty_mask"
    UNREADABLE_METADATA = "unreadable_metadata"
    UNREADABLE_FILE = "unreadable_file"
    HELD_OUT_RADIOGRAPH = "held_out_radiograph"


class RejectedFileError(ValueError):
    """A file that can't serve as a radiograph or a lung mask.

    Attributes:
        reason: the rejection's code.
        detail: one sentence on what was found in the file.
    """

    def __init__(self, reason: RejectionReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Radiograph:
    """A decoded radiograph.

    Attributes:
        pixels: uint8 array (height, width), 0 black to 255 white, at the file's own size.
        bit_depth: bits of grey the file carried: 8, 12 or 16.
    """

    pixels: NDArray[np.uint8]
    bit_depth: int


def decode_radiograph(content: bytes, min_side: int = 32) -> Radiograph:
    """Decode a PNG or JPEG radiograph of any colour type into 8-bit grey.

    Colour is reduced with the Rec. 601 luma weights, transparency is dropped, and a JPEG's
    orientation tag is obeyed.

    Args:
        content: the file's bytes.
        min_side: shortest side accepted, in pixels.

    Raises:
        RejectedFileError: if the bytes are no whole image, or no plausible radiograph.
    """
    pixels, bit_depth = _to_8_bit(_to_grey(_decode(content)))
    height, width = pixels.shape
    if min(height, width) < min_side:
        raise RejectedFileError(
            RejectionReason.TOO_SMALL, f"{width}x{height} pixels, at least {min_side} a side needed"
        )
    if pixels.min() == pixels.max():
        raise RejectedFileError(RejectionReason.BLANK, f"every pixel is {pixels.min()}")
    return Radiograph(pixels, bit_depth)


def decode_lung_mask(content: bytes, image_shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode a lung mask that belongs to an image of `image_shape`.

    Sizes may differ (Kaggle's images are 299x299, its masks 256x256), proportions may not.

    Args:
        content: the file's bytes.
        image_shape: (height, width) of the radiograph, in pixels.

    Returns:
        uint8 array at the mask's own size, 1 in the lungs and 0 elsewhere.

    Raises:
        RejectedFileError: if the mask is unreadable, empty, not binary, or of other proportions.
    """
    # Not brought to 8 bits: a 16-bit mask of 0 and 1 would come out empty.
    grey = _to_grey(_decode(content))
    _check_mask_proportions(grey.shape, image_shape)
    mask: NDArray[np.uint8] = (grey > grey.max() / 2).astype(np.uint8)
    if grey.max() == 0:
        raise RejectedFileError(RejectionReason.EMPTY_MASK, "no pixel is marked as lung")
    _check_two_levels(grey)
    return mask


def _check_mask_proportions(mask_shape: tuple[int, int], image_shape: tuple[int, int]) -> None:
    mask_aspect, image_aspect = (width / height for height, width in (mask_shape, image_shape))
    # One pixel of rounding moves the aspect of a small image; 2 % covers it from 50 pixels on.
    if abs(mask_aspect / image_aspect - 1) > _ASPECT_TOLERANCE:
        raise RejectedFileError(
            RejectionReason.WRONG_MASK_SIZE,
            f"mask is {mask_shape[1]}x{mask_shape[0]}, its image {image_shape[1]}x{image_shape[0]}",
        )


def _check_two_levels(grey: _Grey) -> None:
    # Interpolated or JPEG masks have soft edges; more than a tenth of in-between pixels is no edge.
    top = int(grey.max())
    between = float(np.mean((grey > 0.1 * top) & (grey < 0.9 * top)))
    if between > 0.1:
        raise RejectedFileError(
            RejectionReason.MASK_NOT_BINARY,
            f"{between:.0%} of its pixels are neither background nor lung",
        )


def _decode(content: bytes) -> _Grey:
    _check_container(content)
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        detail = str(error).strip().splitlines()[0]
        raise RejectedFileError(RejectionReason.CORRUPT, detail) from error
    # PNG and JPEG have no pixels but of 8 and 16 bits.
    if decoded is None:
        raise RejectedFileError(RejectionReason.CORRUPT, "the image data could not be decoded")
    return decoded  # type: ignore[return-value]


def _check_container(content: bytes) -> None:
    """Tell apart, before decoding, what a decoder would only call a failure."""
    if not content:
        raise RejectedFileError(RejectionReason.EMPTY_FILE, "the file holds no byte")
    if content.startswith(_PNG_SIGNATURE):
        complete = _PNG_END in content
    elif content.startswith(_JPEG_SIGNATURE):
        # Near the end only: a thumbnail inside the file ends with the same two bytes.
        complete = _JPEG_END in content.rstrip(b"\0")[-64:]
    else:
        raise RejectedFileError(
            RejectionReason.NOT_AN_IMAGE, "neither a PNG nor a JPEG signature at its start"
        )
    if not complete:
        raise RejectedFileError(RejectionReason.TRUNCATED, "the file ends before its image does")


def _to_grey(decoded: _Grey) -> _Grey:
    if decoded.ndim == 2:
        return decoded
    code = cv2.COLOR_BGRA2GRAY if decoded.shape[2] == 4 else cv2.COLOR_BGR2GRAY
    return cv2.cvtColor(decoded, code)  # type: ignore[return-value]


def _to_8_bit(grey: _Grey) -> tuple[NDArray[np.uint8], int]:
    """Scale the full range of the file's grey depth onto 0-255.

    X-ray detectors give 12 bits, which are stored in 16: a 16-bit file whose values all fit
    12 bits is read as the 12-bit radiograph it is, not as a nearly black 16-bit one.
    """
    if grey.dtype == np.uint8:
        return grey, 8  # type: ignore[return-value]
    bit_depth = 12 if int(grey.max()) < 2**12 else 16
    scaled = np.rint(grey * (255.0 / (2**bit_depth - 1)))
    return scaled.astype(np.uint8), bit_depth
