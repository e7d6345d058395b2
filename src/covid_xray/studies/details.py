"""What a study's metadata say of its radiographs, gathered from all sheets beside them."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from covid_xray.imaging.rejection import RejectionReason
from covid_xray.studies.files import StudyFiles
from covid_xray.studies.layout import RadiographFile, RejectedFile, StudyLayout
from covid_xray.studies.matching import match_names, name_key
from covid_xray.studies.metadata import FIELDS, read_metadata
from covid_xray.studies.sheets import SheetError, some_of

_STUDY_SHEET, _CLASS_SHEET, _CLASS_BOOK = "metadata.csv", ".metadata.csv", ".metadata.xlsx"
_EVERY_CLASS = "all"


@dataclass(frozen=True)
class StudyDetails:
    """What the sheets say.

    Attributes:
        table: `FIELDS` by `image_id`, for the radiographs that a sheet names; missing where none
            says it.
        rejected: the sheets that can't be read.
        notes: what in the sheets is not used, in words and numbers.
    """

    table: pd.DataFrame
    rejected: list[RejectedFile]
    notes: list[str]


def gather_details(files: StudyFiles, layout: StudyLayout) -> StudyDetails:
    """Read `<class>.metadata.xlsx`, `<class>.metadata.csv` and `metadata.csv` of a study.

    Where sheets or rows say different things of one radiograph, the first counts, in this order.

    Args:
        files: the study's files.
        layout: its radiographs, and each class's workbook.
    """
    parts = [pd.DataFrame(columns=["image_id", *FIELDS])]
    rejected: list[RejectedFile] = []
    notes: list[str] = []
    for path, label in _sheets(files, layout):
        try:
            rows, said = _read_sheet(files, layout, path, label)
        except SheetError as error:
            where, reason = label or _EVERY_CLASS, RejectionReason.UNREADABLE_METADATA
            rejected.append(RejectedFile(str(path), where, "metadata", reason, str(error)))
            continue
        parts.append(rows)
        notes += [f"{path}: {note}" for note in said]
    by_id = pd.concat(parts).groupby("image_id", sort=False)
    return StudyDetails(by_id.first(), rejected, notes + _contradictions(by_id.nunique()))


def metadata_facts(files: StudyFiles) -> bytes:
    """What sets a study's sheets apart, whatever their sizes: their cells, by checksums."""
    sheets = [path for path in files.sizes if _is_sheet(path)]
    return repr([(str(path), _checksums(files, path)) for path in sheets]).encode()


def _sheets(files: StudyFiles, layout: StudyLayout) -> list[tuple[PurePosixPath, str | None]]:
    """The study's sheets, each with its class, or None where it is of all classes."""
    named = {name_key(str(path)): path for path in files.sizes if _is_sheet(path)}
    folders: dict[str, list[str]] = {}
    for file in layout.radiographs:
        folders.setdefault(file.label, []).append(str(file.path.parent))
    top = _upwards([folder for of_class in folders.values() for folder in of_class])
    places: list[tuple[PurePosixPath, str | None]] = [
        (place.with_name(place.name + _CLASS_SHEET), label)
        for label, of_class in folders.items()
        for place in _upwards(of_class)
        if place.name and (len(folders) == 1 or place not in top)
    ]
    places += [(place / _STUDY_SHEET, None) for place in reversed(top)]
    sheets = [(named.get(name_key(str(place))), label) for place, label in places]
    books = [(path, label) for label, path in layout.metadata.items()]
    return [*books, *((path, label) for path, label in sheets if path)]


def _upwards(folders: Sequence[str]) -> list[PurePosixPath]:
    """The folder that folders have in common and those that it is in, up to the study's own."""
    common = PurePosixPath(os.path.commonpath(folders).replace("\\", "/"))
    return [common, *common.parents]


def _read_sheet(
    files: StudyFiles, layout: StudyLayout, path: PurePosixPath, label: str | None
) -> tuple[pd.DataFrame, list[str]]:
    workbook = path.suffix.lower() == ".xlsx"
    rows, unreadable = read_metadata(_read_bytes(files, path), workbook=workbook)
    of_class = [file for file in layout.radiographs if label in (file.label, None)]
    if label is not None:
        rows["label"] = ""
    matched, unmatched = _match(rows, of_class, layout.rejected)
    return matched, unreadable + unmatched


def _is_sheet(path: PurePosixPath) -> bool:
    name = path.name.lower()
    return name == _STUDY_SHEET or name.endswith((_CLASS_SHEET, _CLASS_BOOK))


def _read_bytes(files: StudyFiles, path: PurePosixPath) -> bytes:
    try:
        return files.read(path)
    except Exception as error:  # OSError on disk; zlib and zipfile have errors of their own
        raise SheetError(f"not a readable file ({error})") from error


def _checksums(files: StudyFiles, path: PurePosixPath) -> object:
    try:
        content = files.read(path)
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            # Not the properties of the document, which tell when it was saved.
            entries = [entry for entry in book.infolist() if "docProps" not in entry.filename]
            return [(entry.filename, entry.CRC) for entry in entries]
    except zipfile.BadZipFile:
        return content
    except Exception as error:  # as it can't be read, what is in it changes nothing
        return type(error).__name__


def _match(
    rows: pd.DataFrame, radiographs: Sequence[RadiographFile], refused: Sequence[RejectedFile]
) -> tuple[pd.DataFrame, list[str]]:
    """Rows by the radiograph that they name; and notes on those that name none, or several."""
    parts, unknown, ambiguous = [], [], []
    for label, named in rows.groupby(rows["label"].map(name_key), sort=False):
        meant = [file for file in radiographs if label in ("", name_key(file.label))]
        matches = match_names(named["name"].tolist(), meant)
        unknown += matches.unknown
        ambiguous += matches.ambiguous
        parts.append(named.assign(image_id=pd.Series(matches.image_ids, named.index, "object")))
    known = {name_key(PurePosixPath(file.path).stem) for file in refused}
    unknown = [name for name in unknown if name_key(PurePosixPath(name).stem) not in known]
    notes = [
        f"{len(names)} of {len(rows)} name(s) {words}, and are left out ({some_of(names)})"
        for names, words in (
            (unknown, "are of no radiograph"),
            (ambiguous, "are of more than one radiograph, or two are of one"),
        )
        if names
    ]
    matched = pd.concat(parts) if parts else rows.assign(image_id=None)
    return matched.dropna(subset="image_id")[["image_id", *FIELDS]], notes


def _contradictions(n_values: pd.DataFrame) -> list[str]:
    several = n_values[(n_values > 1).any(axis="columns")]
    if several.empty:
        return []
    fields = [name for name in FIELDS if (several[name] > 1).any()]
    return [
        f"metadata say different things of {len(several)} radiograph(s), and the first counts "
        f"({', '.join(fields)} of {some_of(several.index.tolist())})"
    ]
