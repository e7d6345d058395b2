"""Why a file of a study is left out."""

from __future__ import annotations

from enum import StrEnum


class RejectionReason(StrEnum):
    """Why a file of a study is left out."""

    EMPTY_FILE = "empty_file"
    NOT_AN_IMAGE = "not_an_image"
    SEVERAL_PICTURES = "several_pictures"
    UNSUPPORTED_DEPTH = "unsupported_depth"
    TOO_LARGE = "too_large"
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
    INVERTED_MASK = "inverted_mask"
    MASK_TOO_LARGE = "mask_too_large"
    HALF_MASK = "half_mask"
    UNREADABLE_METADATA = "unreadable_metadata"
    UNREADABLE_FILE = "unreadable_file"
    ENCRYPTED = "encrypted"
    UNKNOWN_COMPRESSION = "unknown_compression"
    STORED_TWICE = "stored_twice"
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
