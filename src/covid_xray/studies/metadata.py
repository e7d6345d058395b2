"""Where each radiograph comes from: the hospital or archive behind the metadata's URL."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

import pandas as pd

UNKNOWN_SOURCE = "unknown"
_NAME_COLUMN, _URL_COLUMN = "FILE NAME", "URL"


class MetadataError(ValueError):
    """A metadata file that can't be read; the message says why."""


def read_source_urls(content: bytes) -> dict[str, str]:
    """Source URL by image name, from one `<class>.metadata.xlsx`.

    Names are returned in lower case: the database spells `NORMAL-1` in the metadata what is
    `Normal-1.png` on disk.

    Args:
        content: the bytes of the Excel file.

    Raises:
        MetadataError: if it is no Excel file or lacks the columns FILE NAME and URL.
    """
    try:
        table = pd.read_excel(io.BytesIO(content), dtype=str, engine="openpyxl")
    except Exception as error:  # openpyxl raises many kinds, zipfile's and xml's among them
        raise MetadataError(f"not a readable Excel file ({error})") from error
    columns = {str(name).strip().upper(): name for name in table.columns}
    missing = [name for name in (_NAME_COLUMN, _URL_COLUMN) if name not in columns]
    if missing:
        raise MetadataError(f"no column {' and '.join(missing)} among {list(table.columns)}")
    rows = table[[columns[_NAME_COLUMN], columns[_URL_COLUMN]]].dropna()
    names = rows.iloc[:, 0].str.strip().str.lower()
    return dict(zip(names, rows.iloc[:, 1].str.strip(), strict=True))


def source_name(url: str | None, names: Mapping[str, str] | None = None) -> str:
    """A short name for a source: a given one, else the URL without its decorations.

    Args:
        url: the metadata's URL, or None if the image has none.
        names: short names by a part of the URL.
    """
    if not url:
        return UNKNOWN_SOURCE
    for part, name in (names or {}).items():
        if part in url:
            return name
    return re.sub(r"^https?://(www\.)?", "", url).split("#")[0].rstrip("/")
