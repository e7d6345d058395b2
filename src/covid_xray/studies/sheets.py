"""Tables that people keep beside their files: Excel workbooks and CSV files, read as text."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl
import pandas as pd

_EXCEL_ROWS = 1_048_576
_DELIMITERS = ",;\t"


class SheetError(ValueError):
    """A table that can't be read; the message says why."""


@dataclass(frozen=True)
class Sheet:
    """The known columns of a table.

    Attributes:
        header: the names of all its columns, as they are written.
        table: the cells of the known columns, as text; empty where a cell is.
    """

    header: list[str]
    table: pd.DataFrame


def column_key(name: str) -> str:
    """What names of one column have in common: `Patient ID`, `patient_id` and `PATIENT-ID`."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFC", name)).casefold()


def some_of(names: Sequence[str]) -> str:
    """The first of some names, for a message about all."""
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def read_workbook(content: bytes, columns: Mapping[str, str]) -> Sheet:
    """The first sheet of an Excel workbook; what its `<dimension>` says of its size is not used.

    Args:
        content: the bytes of the `.xlsx` file.
        columns: names for the known columns, by their `column_key`; of several keys with one name
            the first counts.

    Raises:
        SheetError: if it is no Excel file, or a known column comes twice.
    """
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        # Rows come one by one, and only known cells are kept: a stray cell at the far end of the
        # sheet costs no table of all the cells before it.
        return _read(sheet.iter_rows(max_row=_EXCEL_ROWS, values_only=True), columns)
    except SheetError:
        raise
    except Exception as error:  # openpyxl raises many kinds, zipfile's and xml's among them
        raise SheetError(f"not a readable Excel file ({error})") from error


def read_csv(content: bytes, columns: Mapping[str, str]) -> Sheet:
    """A CSV file in UTF-8, between commas, semicolons or tabs.

    Args:
        content: the bytes of the file.
        columns: as for `read_workbook`.

    Raises:
        SheetError: if it is not text in UTF-8, or a known column comes twice.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetError(f"not a CSV file in UTF-8 ({error}); save it as CSV UTF-8") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        return _read(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), columns)
    except csv.Error as error:
        raise SheetError(f"not a readable CSV file ({error})") from error


def _read(rows: Iterator[Sequence[Any]], columns: Mapping[str, str]) -> Sheet:
    header = next((cells for row in rows if any(cells := [_text(c) for c in row])), [])
    places = _places(header, columns)
    found = []
    for row in rows:
        if row.count(None) == len(row):
            continue
        cells = [_text(row[place]) if place < len(row) else "" for place in places.values()]
        if any(cells):
            found.append(cells)
    table = pd.DataFrame(found, columns=list(places), dtype="str")
    return Sheet([name for name in header if name], table)


def _places(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    keys = [column_key(name) for name in header]
    places: dict[str, int] = {}
    for key, name in columns.items():
        if key not in keys or name in places:
            continue
        place = keys.index(key)
        if keys.count(key) > 1:
            raise SheetError(f"column '{header[place]}' comes {keys.count(key)} times")
        places[name] = place
    return places


def _text(cell: object) -> str:
    if cell is None:
        return ""
    # Excel has no whole numbers: 12 may come as 12.0.
    whole = isinstance(cell, float) and cell.is_integer()
    return unicodedata.normalize("NFC", str(int(cell) if whole else cell)).strip()  # type: ignore[call-overload]
