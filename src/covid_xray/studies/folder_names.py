"""What names of folders and files say of a study, however they are spelt."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

IMAGES, MASKS = "images", "masks"
_KINDS = {
    IMAGES: IMAGES, "image": IMAGES,
    MASKS: MASKS, "mask": MASKS, "lung masks": MASKS, "lung mask": MASKS,
}  # fmt: skip
_SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")
_SHEETS = ("metadata.csv", "metadata.xlsx")
_ABOUT = frozenset({"readme", "license", "licence"})
_DOCUMENTS = frozenset(
    (".txt", ".md", ".rst", ".log", ".csv", ".tsv", ".xlsx", ".xls", ".ods", ".json", ".yml")
    + (".yaml", ".xml", ".html", ".pdf", ".doc", ".docx")
)


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC); macOS writes `é` as two characters."""
    return unicodedata.normalize("NFC", name)


def folder_key(name: str) -> str:
    """What spellings of one folder have in common: case, `_`, space or `-`, Unicode form."""
    return re.sub(r"[\s_-]+", " ", composed(composed(name).casefold())).strip() or name


def kind_of(folder: str) -> str | None:
    """`IMAGES` or `MASKS`, where a folder is called so."""
    return _KINDS.get(folder_key(folder))


def is_split(folder: str) -> bool:
    """Whether a folder is called like a split: `train`, `val`, `test`, ..."""
    return folder_key(folder) in _SPLITS


def is_about_the_study(path: PurePosixPath) -> bool:
    """Whether a file tells about a study, wherever it lies: README, licence, metadata sheet."""
    name = path.name.casefold()
    is_text = path.suffix.casefold() in _DOCUMENTS or not path.suffix
    return name.endswith(_SHEETS) or (is_text and name.split(".")[0] in _ABOUT)


def is_document(path: PurePosixPath) -> bool:
    """Whether a file is a text or a table, by its suffix."""
    return path.suffix.casefold() in _DOCUMENTS or is_about_the_study(path)


@dataclass(frozen=True)
class ClassNames:
    """The names of class folders.

    Attributes:
        folders: class to folder name.
    """

    folders: Mapping[str, str]

    def label_of(self, folder: str) -> str | None:
        """The class that a folder's name means, or None."""
        return self._exact.get(composed(folder)) or self._loose.get(folder_key(folder))

    @cached_property
    def _exact(self) -> dict[str, str]:
        return {composed(folder): label for label, folder in self.folders.items()}

    @cached_property
    def _loose(self) -> dict[str, str]:
        # Two classes whose folders differ in spelling only are told apart by it.
        keys = Counter(map(folder_key, self.folders.values()))
        by_key = {folder_key(folder): label for label, folder in self.folders.items()}
        return {key: label for key, label in by_key.items() if keys[key] == 1}
