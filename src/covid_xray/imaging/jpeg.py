"""Whether the picture of a JPEG file is whole.

A decoder fills in what is missing and reports nothing, so the file itself is asked.
Source: ITU-T T.81, Annex B.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from covid_xray.imaging.rejection import RejectedFileError, RejectionReason

_START, _END, _SCAN, _TEMPORARY = 0xD8, 0xD9, 0xDA, 0x01
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
# Inside a scan, ff 00 stands for the byte ff, and ff d0 to ff d7 are restart markers.
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_ALL_COEFFICIENTS = (1 << 64) - 1
# What a decoder would take for data, where data are missing: it would have filled in with zeros.
_OTHER_BITS = bytes.fromhex("b6d56b5bada9") * 8, bytes.fromhex("492a94a45256") * 8


@dataclass
class JpegParts:
    """What the markers of a JPEG file say.

    Attributes:
        progressive: whether several scans refine the picture.
        sent: by component, a bit for each of its 64 coefficients that was sent to its last bit.
        last_scan: place of the last scan's data among the file's bytes.
        end: place of the end marker.
    """

    progressive: bool = False
    sent: dict[int, int] = field(default_factory=dict)
    last_scan: int = 0
    end: int = 0


def read_jpeg(content: bytes) -> JpegParts:
    """Read the markers of a JPEG file up to its end marker; what comes after is left out.

    Raises:
        RejectedFileError: if the file ends before its end marker, or misses a scan.
    """
    parts, place, n_segments = JpegParts(), 2, 0
    while (found := _MARKER.search(content, place)) and found[1][0] != _END:
        place, marker = found.end(), found[1][0]
        if marker in (_START, _TEMPORARY):
            continue
        length = int.from_bytes(content[place : place + 2], "big")
        _take_segment(parts, marker, content[place + 2 : place + length])
        place += length
        n_segments += 1
        if marker == _SCAN:
            parts.last_scan = place
    if found and not n_segments:
        raise RejectedFileError(RejectionReason.CORRUPT, "its JPEG header could not be read")
    if not found or set(parts.sent.values()) != {_ALL_COEFFICIENTS}:
        raise truncated()
    parts.end = found.start()
    return parts


def with_other_ends(content: bytes, parts: JpegParts) -> list[bytes]:
    """The file with other bits after its last scan, which show if the picture is not whole.

    The picture of a whole file does not depend on them. Where data are missing, a decoder takes
    them for the picture. A progressive file has two, because its last scan changes little.
    """
    data = content[: parts.end]
    # Missing data may also begin at a restart marker, and only the next one is obeyed.
    next_restart = len(_RESTART.findall(data, parts.last_scan)) % 8
    restart = bytes([0xFF, 0xD0 + next_restart])
    bits = _OTHER_BITS if parts.progressive else _OTHER_BITS[:1]
    return [data + end + restart + end + b"\xff\xd9" for end in bits]


def truncated() -> RejectedFileError:
    """The rejection of a file that is cut short."""
    return RejectedFileError(RejectionReason.TRUNCATED, "the file ends before its image does")


def _take_segment(parts: JpegParts, marker: int, segment: bytes) -> None:
    if marker in _FRAMES:
        parts.progressive = marker in _PROGRESSIVE
        parts.sent = dict.fromkeys(segment[6::3], 0)
    elif marker == _SCAN and len(segment) >= 4:
        first, last, precision = segment[-3:] if parts.progressive else (0, 63, 0)
        if precision & 0x0F == 0:  # the last bit of these coefficients
            band = (1 << (last + 1)) - (1 << first)
            for component in segment[1:-3:2]:
                parts.sent[component] = parts.sent.get(component, 0) | band
