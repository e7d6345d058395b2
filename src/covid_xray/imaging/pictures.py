"""From the bytes of an image file to its pixels, whole or not at all."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from covid_xray.imaging.formats import FORMAT_NAMES, format_of, open_picture
from covid_xray.imaging.jpeg import read_jpeg, truncated, with_other_ends
from covid_xray.imaging.rejection import RejectedFileError, RejectionReason

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_PNG_END = b"IEND\xaeB`\x82"
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # tags of a TIFF


def read_picture(content: bytes, max_pixels: int) -> tuple[Image.Image, Pixels]:
    """Decode an image file of any accepted format, whatever its name; transparency is dropped.

    Args:
        content: the file's bytes.
        max_pixels: most pixels accepted; the header is asked before any is decoded.

    Returns:
        The picture with its header, not decoded yet where it is a PNG; and its pixels, upright,
        uint8 or uint16 array (height, width) or, in the order BGR, (height, width, 3).

    Raises:
        RejectedFileError: if the bytes are no whole image.
    """
    kind = _format(content)
    try:
        other_ends = _other_ends(kind, content)
        picture = open_picture(content, max_pixels)
        pixels = _decode(kind, content, picture)
        # Not with OpenCV, which would print a warning for every whole file.
        probes = (Image.open(io.BytesIO(other), formats=["JPEG"]) for other in other_ends)
        if not all(np.array_equal(_decode_with_pillow(probe), pixels) for probe in probes):
            raise truncated()
        return picture, pixels
    except RejectedFileError:
        raise
    except Exception as error:  # decoders raise errors of many kinds
        raise _damaged(error) from error


def to_grey(pixels: Pixels) -> Pixels:
    """Grey levels of a picture in BGR, with the Rec. 601 luma weights."""
    if pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def _format(content: bytes) -> str:
    if not content:
        raise RejectedFileError(RejectionReason.EMPTY_FILE, "the file holds no byte")
    kind = format_of(content)
    if kind is None:
        dicom = "it is a DICOM file, convert it to PNG: " if content[128:132] == b"DICM" else ""
        detail = f"{dicom}its content is not that of a {FORMAT_NAMES} file"
        raise RejectedFileError(RejectionReason.NOT_AN_IMAGE, detail)
    return kind


def _other_ends(kind: str, content: bytes) -> list[bytes]:
    """Refuse a file that says itself that it is cut short; of a JPEG, what else can tell."""
    if kind == "JPEG":
        return with_other_ends(content, read_jpeg(content))
    if kind == "PNG":
        is_whole = content.endswith(_PNG_END) or _PNG_END in content
    else:
        is_whole = len(content) >= _least_size(kind, content)
    if not is_whole:
        raise truncated()
    return []


def _least_size(kind: str, content: bytes) -> int:
    """Bytes that the file needs at least, as its first ones say; 0 where they do not."""
    if kind == "WEBP":
        return 8 + int.from_bytes(content[4:8], "little")
    if kind == "TIFF" and content[2:4] in (b"*\0", b"\0*"):
        return int.from_bytes(content[4:8], "little" if content.startswith(b"II") else "big")
    return 0


def _damaged(error: Exception) -> RejectedFileError:
    detail = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return truncated() if "truncated" in detail else _corrupt(detail)


def _corrupt(detail: str) -> RejectedFileError:
    return RejectedFileError(RejectionReason.CORRUPT, detail)


def _decode(kind: str, content: bytes, picture: Image.Image) -> Pixels:
    if kind == "PNG":
        return _decode_with_opencv(content)
    if kind != "JPEG" and getattr(picture, "n_frames", 1) > 1:
        detail = "the file holds several pictures: save the one that counts by itself"
        raise RejectedFileError(RejectionReason.SEVERAL_PICTURES, detail)
    pixels = _decode_with_pillow(picture)
    tags = getattr(picture, "tag_v2", {})
    bits = max(tags.get(_BITS_PER_SAMPLE, (8,)))
    if bits > 8 and pixels.dtype == np.uint8:  # Pillow drops the lower bits of 16-bit colour
        return _decode_with_opencv(content)
    if pixels.dtype == np.uint16 and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        return np.uint16(2**bits - 1) - pixels
    return pixels


def _decode_with_opencv(content: bytes) -> Pixels:
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if decoded is None:
        raise _corrupt("the image data could not be decoded")
    return decoded  # type: ignore[return-value]


def _decode_with_pillow(picture: Image.Image) -> Pixels:
    """Pixels of a picture that Pillow has opened; it raises an error where data are missing."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16"):
        return np.asarray(upright).astype(np.uint16)
    if upright.mode in ("I", "F"):
        detail = "its grey levels are signed, real or of 32 bits: save it with 8 or 16 bits"
        raise RejectedFileError(RejectionReason.UNSUPPORTED_DEPTH, detail)
    if upright.mode in ("1", "L", "LA", "La"):
        return np.asarray(upright.convert("L"))
    return np.asarray(upright.convert("RGB"))[..., ::-1]
