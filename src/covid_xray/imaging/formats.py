"""The image formats that are read, known by their content, and what their headers say."""

from __future__ import annotations

import io
import re

from PIL import Image, UnidentifiedImageError

from covid_xray.imaging.rejection import RejectedFileError, RejectionReason

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
FORMAT_NAMES = "PNG, JPEG, BMP, TIFF or WebP"
SIGNATURE_BYTES = 18
# Three times the largest X-ray detector; Pillow itself opens no larger picture than the other.
MAX_PIXELS = 50_000_000
LARGEST_MAX_PIXELS = 2 * 89_478_485
_SIGNATURES = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    # The size of its second header tells a BMP from a text that starts with BM.
    "BMP": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "WEBP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}


def format_of(start: bytes) -> str | None:
    """Format of an image file: one of `FORMATS`, or None.

    Args:
        start: the file's first `SIGNATURE_BYTES` bytes, or more.
    """
    found = (name for name, signature in _SIGNATURES.items() if signature.match(start))
    return next(found, None)


def open_picture(content: bytes, max_pixels: int) -> Image.Image:
    """Read the header of an image file, and no pixel.

    Args:
        content: the file's bytes, of one of `FORMATS`.
        max_pixels: most pixels accepted.

    Raises:
        RejectedFileError: if the header is damaged, or tells of too many pixels.
    """
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RejectedFileError(RejectionReason.TOO_LARGE, str(error)) from error
    except UnidentifiedImageError as error:
        detail = "its header is damaged, cut short or of an uncommon kind"
        raise RejectedFileError(RejectionReason.CORRUPT, detail) from error
    if picture.width * picture.height > max_pixels:
        raise RejectedFileError(
            RejectionReason.TOO_LARGE,
            f"{picture.width}x{picture.height} pixels, at most {max_pixels:,} are read: "
            "shrink it, or raise `reading.max_pixels`",
        )
    return picture


def count_channels(picture: Image.Image) -> int:
    """Channels of the file: 1 for grey or a palette, 3 for colour, one more with transparency.

    A palette is one channel even where it holds colours or transparent entries. CMYK has 4.
    """
    return len(picture.getbands())
