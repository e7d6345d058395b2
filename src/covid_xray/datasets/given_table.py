"""A CSV file that the user may name, such as splits to compare on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from covid_xray.records import digest
from covid_xray.studies.sheets import SheetError, column_key, read_csv


class GivenTableDataset(AbstractDataset[NoReturn, pd.DataFrame | None]):
    """Some columns of a CSV file, as text; None where no file is named.

    Example:
        ```yaml
        imported_splits:
          type: covid_xray.datasets.GivenTableDataset
          filepath: ${runtime_params:split_path, null}
          columns: [image_id, label, split, kept]
        ```
    """

    def __init__(
        self,
        *,
        filepath: str | None,
        columns: Sequence[str],
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe the file.

        Args:
            filepath: its path; None if it is left out.
            columns: the columns that are read where the file has them; others are not.
            metadata: for Kedro-Viz and other plugins; not used here.
        """
        self._filepath = None if filepath is None else Path(str(filepath))
        self._columns = {column_key(name): name for name in columns}
        self.metadata = metadata

    def load(self) -> pd.DataFrame | None:
        """The cells of the columns that the file has, as text; None if no file is named.

        Raises:
            DatasetError: if the file is missing, or no CSV file.
        """
        content = self._content()
        if content is None:
            return None
        try:
            return read_csv(content, self._columns).table
        except SheetError as error:
            raise DatasetError(f"{self._filepath}: {error}.") from error

    def fingerprint(self) -> str:
        """What sets the file apart: its bytes.

        Raises:
            DatasetError: if the file is missing.
        """
        content = self._content()
        return "none" if content is None else digest(content)

    def _content(self) -> bytes | None:
        try:
            return None if self._filepath is None else self._filepath.read_bytes()
        except OSError as error:
            raise DatasetError(
                f"{self._filepath} can't be read ({error.strerror}). Check the path that --params "
                "names."
            ) from error

    def save(self, data: NoReturn) -> None:
        """Given files are read-only.

        Raises:
            DatasetError: always.
        """
        raise DatasetError(f"{self._filepath} is the user's: this project never writes to it.")

    def _exists(self) -> bool:
        # A file that may be left out is there: it loads as None.
        return self._filepath is None or self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath or "none"), "columns": list(self._columns.values())}
