"""Files that appear whole or not at all.

`kedro run --only-missing-outputs` looks at existence alone, so a file that a killed run left
half-written would count as done. Everything here is written beside its place and renamed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import DatasetError
from kedro_datasets import json, pandas, pickle, text
from pandas import DataFrame, read_parquet

from covid_xray.datasets.absence import AbsenceMixin
from covid_xray.origin import Origin, describe_origin
from covid_xray.pages import escape
from covid_xray.whole import whole_file

# Kedro's datasets write text in the encoding of the machine's locale.
_UTF_8: dict[str, Any] = {"open_args_save": {"mode": "w", "encoding": "utf-8"}}


class AtomicSaveMixin(AbsenceMixin):
    """Makes any local file-based Kedro dataset save aside, then rename.

    Put it before the dataset class among the bases.
    """

    _filepath: PurePosixPath

    def save(self, data: Any) -> None:
        """Save to a sibling file and move it into place once it is complete."""
        with whole_file(Path(self._filepath)) as partial:
            aside = copy.copy(self)
            aside._filepath = PurePosixPath(partial.as_posix())
            super(AtomicSaveMixin, aside).save(data)  # type: ignore[misc]

    def load(self) -> Any:
        """Load the file.

        Raises:
            DatasetError: if there is none, or the study can't have it.
        """
        self.check_made()
        return super().load()  # type: ignore[misc]


class CSVDataset(AtomicSaveMixin, pandas.CSVDataset):
    """A table as CSV, for people, and beside it as Parquet, which is what is loaded.

    A CSV file has no types: a class called `None` or `NA` comes back as missing, one called `1` as
    a number. Each file appears whole or not at all, and the table is there when both are. A table
    that a run saved says in `attrs["origin"]` where it comes from.
    """

    DEFAULT_FS_ARGS = _UTF_8
    origin: Origin | None = None

    @property
    def _typed(self) -> Path:
        return Path(self._filepath).with_suffix(".parquet")

    def save(self, data: DataFrame) -> None:
        """Save both files."""
        super().save(data)
        with whole_file(self._typed) as partial:
            _with_origin(data, self.origin).to_parquet(partial, index=False)

    def load(self) -> DataFrame:
        """The table as it was saved.

        Raises:
            DatasetError: if there is none.
        """
        self.check_made()
        if not self._exists():
            raise DatasetError(
                f"There is no table {self._filepath} with {self._typed.name} beside."
            )
        return read_parquet(self._typed)

    def remove(self) -> None:
        """Remove both files."""
        super().remove()
        self._typed.unlink(missing_ok=True)

    def _exists(self) -> bool:
        return self._typed.is_file() and Path(self._filepath).is_file()


class ParquetDataset(AtomicSaveMixin, pandas.ParquetDataset):
    """`pandas.ParquetDataset` whose file appears whole or not at all.

    A table that a run saved says in `attrs["origin"]` where it comes from.
    """

    origin: Origin | None = None

    def save(self, data: DataFrame) -> None:
        """Save the table, with its origin if a run knows it."""
        super().save(_with_origin(data, self.origin))


def _with_origin(table: DataFrame, origin: Origin | None) -> DataFrame:
    told = table.copy(deep=False)
    told.attrs = {} if origin is None else {"origin": dict(origin)}
    return told


class JSONDataset(AtomicSaveMixin, json.JSONDataset):
    """`json.JSONDataset` whose file appears whole or not at all."""


class TextDataset(AtomicSaveMixin, text.TextDataset):
    """`text.TextDataset` in UTF-8 everywhere, whose file appears whole or not at all."""

    DEFAULT_FS_ARGS = _UTF_8 | {"open_args_load": {"mode": "r", "encoding": "utf-8"}}


class PageDataset(TextDataset):
    """A page of results, which ends in where it comes from: study, protocol, seed and versions."""

    origin: Origin | None = None

    def save(self, data: str) -> None:
        """Save the page, with its origin if a run knows it."""
        if self.origin is not None:
            origin = self.origin | {"study": escape(self.origin["study"])}
            data = f"{data}\n---\n\n{describe_origin(origin)}\n"
        super().save(data)


class PickleDataset(AtomicSaveMixin, pickle.PickleDataset):
    """`pickle.PickleDataset` whose file appears whole or not at all.

    Loading a pickle runs what is in it: load none but your own.
    """


class ClassicalClassifiersDataset(PickleDataset):
    """Classifiers of scikit-learn by name; each says in `origin` where it comes from."""

    origin: Origin | None = None

    def save(self, data: Mapping[str, Any]) -> None:
        """Save the classifiers, with their origin if a run knows it."""
        for classifier in data.values():
            classifier.origin = self.origin
        super().save(data)
