"""The records of a study's outputs, a file each, in the study's own folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from covid_xray.records import Record
from covid_xray.whole import write_json

_STUDY = ".study"


class RecordBook:
    """A folder of records: `<dataset>.json` says what made it, when, and in which run.

    An output without a record counts as not made: its node withdraws the records of all of its
    outputs before it saves the first, and writes them after it saved the last.

    Args:
        folder: where the records are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, dataset: str) -> dict[str, Any] | None:
        """Everything about a dataset: `node`, `made` (UTC), `origin`, `record`; None without."""
        try:
            return dict(json.loads(self._path(dataset).read_text("utf-8")))
        except (FileNotFoundError, ValueError):
            # What can't be read says nothing: its output is made again.
            return None

    def record(self, dataset: str) -> Record | None:
        """What made a dataset; None if nothing says so."""
        entry = self.read(dataset)
        return None if entry is None else dict(entry["record"])

    def withdraw(self, datasets: Iterable[str]) -> None:
        """Take back the records of datasets that are about to change."""
        for dataset in datasets:
            self._path(dataset).unlink(missing_ok=True)

    def write(
        self, datasets: Iterable[str], node: str, record: Record, origin: Mapping[str, Any]
    ) -> None:
        """Record that a node made datasets, which are whole now."""
        made = datetime.now(UTC).isoformat(timespec="seconds")
        for dataset in datasets:
            entry = {"node": node, "made": made, "origin": dict(origin), "record": record}
            write_json(self._path(dataset), entry)

    def study(self) -> dict[str, str]:
        """The study whose outputs these are: `location, files, protocol`; empty if unknown."""
        return self.read(_STUDY) or {}

    def write_study(self, study: Mapping[str, str]) -> None:
        """Record whose outputs these are."""
        write_json(self._path(_STUDY), study)

    def _path(self, dataset: str) -> Path:
        return self.folder / f"{dataset}.json"
