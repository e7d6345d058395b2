"""Pipelines run in memory: no project, no session, no file; every table is held to its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pandera.pandas as pa
import yaml
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from kedro.utils import load_obj

from covid_xray.absence import NotMade
from covid_xray.imaging.arrays import RowStream
from support.project import ROOT


class KeptDataset(AbstractDataset[Any, Any]):
    """A dataset that stays after the run, as it is; streamed arrays are collected."""

    def __init__(self, *data: Any) -> None:
        self._data = data

    def load(self) -> Any:
        return self._data[0]

    def save(self, data: Any) -> None:
        self._data = (data.collect() if isinstance(data, RowStream) else data,)

    def _exists(self) -> bool:
        return bool(self._data)

    def _describe(self) -> dict[str, Any]:
        return {}


def schema_of(entry: dict[str, Any]) -> pa.DataFrameSchema | None:
    """The schema that a catalog entry names, if it does."""
    return load_obj(entry["validator"]["class"]) if "validator" in entry else None


def catalog_entries() -> dict[str, dict[str, Any]]:
    """The entries of the base catalog as they are written."""
    files = (ROOT / "conf/base").glob("catalog*.yml")
    entries = {k: v for file in files for k, v in yaml.safe_load(file.read_text("utf-8")).items()}
    return {name: entry for name, entry in entries.items() if not name.startswith("_")}


def run_in_memory(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """Run a pipeline on datasets and parameters by name; the ones it does not read are left out.

    Returns:
        Every dataset that it made.
    """
    made = {name: KeptDataset() for name in pipeline.all_outputs()}
    read = {name: KeptDataset(given[name]) for name in pipeline.inputs()}
    SequentialRunner().run(pipeline, DataCatalog(made | read))
    outputs = {name: dataset.load() for name, dataset in made.items()}
    entries = catalog_entries()
    for name, data in outputs.items():
        schema = schema_of(entries[name])
        if schema is not None and not isinstance(data, NotMade):
            schema.validate(data)
    return outputs


def published() -> dict[str, pd.DataFrame]:
    """The published tables, by dataset name."""
    entries = catalog_entries()
    tables = {name: entry for name, entry in entries.items() if name.startswith("published_")}
    return {name: pd.read_csv(ROOT / entry["filepath"]) for name, entry in tables.items()}
