"""What a metadata sheet says of a radiograph: where it was published, and whom it shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from covid_xray.studies.sheets import Sheet, SheetError, read_csv, read_workbook

UNKNOWN_SOURCE = "unknown"
FIELDS = ("url", "patient_id", "view", "age", "sex")
_COLUMNS = {
    "filename": "name",
    "imageid": "name",
    "file": "name",
    "label": "label",
    "class": "label",
    "url": "url",
    "patientid": "patient_id",
    "view": "view",
    "age": "age",
    "sex": "sex",
}
# Words for a value that is not known; a patient of such a name would be every unknown one.
_MISSING = frozenset({"", "-", "?", "#n/a", "n/a", "na", "nan", "none", "null", "unknown"})
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(d|w|m|y|years?)?")
_PER_YEAR = {"d": 365.25, "w": 365.25 / 7, "m": 12.0}
_OLDEST = 130
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}


def read_metadata(content: bytes, *, workbook: bool) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a metadata sheet, a radiograph each.

    Args:
        content: the bytes of the file.
        workbook: whether it is an Excel file, or else a CSV file.

    Returns:
        `name`, `label` (text) and `FIELDS`: `url`, `patient_id`, `view`, `sex` (text) and `age`
        (years), each missing where the sheet lacks it; and notes on values that can't be read.

    Raises:
        SheetError: if it can't be read, or has no column FILE NAME or none of `FIELDS`.
    """
    sheet = (read_workbook if workbook else read_csv)(content, _COLUMNS)
    _check_columns(sheet)
    table = sheet.table.reindex(columns=["name", "label", *FIELDS], fill_value="")
    table = table[table["name"] != ""].reset_index(drop=True)
    rows = table[["name", "label"]].assign(url=_known(table["url"]))
    rows["patient_id"] = _known(table["patient_id"].str.replace(r"^(\d+)\.0$", r"\1", regex=True))
    rows["view"] = _known(table["view"]).str.upper()
    age, sex = _known(table["age"]), _known(table["sex"])
    rows["age"] = age.map(_years, na_action="ignore").astype("float64")
    rows["sex"] = sex.map(lambda text: _SEXES.get(text.casefold()), na_action="ignore").astype(
        "str"
    )
    notes = [
        f"{len(bad)} value(s) of {name} are no {words}, and are left out ({bad.iloc[0]})"
        for name, words, given in (("age", "age in years", age), ("sex", "F or M", sex))
        if len(bad := given[given.notna() & rows[name].isna()])
    ]
    return rows, notes


def _check_columns(sheet: Sheet) -> None:
    present = set(sheet.table.columns)
    lacking = [] if "name" in present else ["FILE NAME"]
    lacking += [] if present & set(FIELDS) else ["URL"]
    if lacking:
        raise SheetError(f"no column {' and '.join(lacking)} among {sheet.header}")


def _known(texts: pd.Series) -> pd.Series:
    return texts.mask(texts.str.casefold().isin(_MISSING))


def _years(text: str) -> float | None:
    """An age: years, or a number of days, weeks, months or years as DICOM writes it (`063Y`)."""
    found = _AGE.fullmatch(text.casefold())
    if found is None:
        return None
    years = float(found[1]) / _PER_YEAR.get(found[2], 1.0)
    return years if years <= _OLDEST else None


def source_name(url: str | None, names: Mapping[str, str] | None = None) -> str:
    """A short name for a source: a given one, else the URL without its decorations.

    Args:
        url: the metadata's URL, or None if the image has none.
        names: short names by a part of the URL.
    """
    if not url:
        return UNKNOWN_SOURCE
    for part, name in (names or {}).items():
        if part.casefold() in url.casefold():
            return name
    return re.sub(r"^https?://(www\.)?", "", url).split("#")[0].rstrip("/")


def unmatched_sources(urls: pd.Series, names: Mapping[str, str]) -> list[str]:
    """Notes on short names that no URL holds, and on URLs that hold none.

    Args:
        urls: the URL of each radiograph that has one.
        names: short names by a part of the URL.
    """
    if urls.empty or not names:
        return []
    holds: Callable[[str], pd.Series] = partial(urls.str.contains, case=False, regex=False)
    held = pd.DataFrame({part: holds(part) for part in names})
    idle = [part for part in names if not held[part].any()]
    unnamed = urls[~held.any(axis="columns")]
    remedy = "see `source_names` in conf/base/globals.yml"
    notes = []
    if idle:
        notes.append(
            f"{len(idle)} of {len(names)} source names match no URL ({', '.join(idle)}): {remedy}"
        )
    if len(unnamed):
        notes.append(
            f"{unnamed.nunique()} URL(s), of {len(unnamed)} radiographs, match no source name "
            f"({unnamed.iloc[0]}): {remedy}"
        )
    return notes
