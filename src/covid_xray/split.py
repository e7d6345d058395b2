"""The three shares of a study, and when augmentation happens: words that every room uses."""

from __future__ import annotations

from enum import StrEnum


class Split(StrEnum):
    """The three shares of a study."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Protocol(StrEnum):
    """When augmentation happens: after the split, or before it as Report A did."""

    LEAK_FREE = "leak_free"
    PUBLISHED = "published"
