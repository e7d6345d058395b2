"""docs/data.md: every dataset, what makes it, who reads it and what is in it.

`python -m covid_xray.data_docs` prints it from the catalog, the pipelines and the tables' schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.config import OmegaConfigLoader
from kedro.framework.project import pipelines, settings
from kedro.framework.startup import bootstrap_project
from kedro.io import CatalogConfigResolver
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.utils import load_obj

from covid_xray.pages import page, section, table

INTRODUCTION = (
    "Made by `make docs` from the catalog, the pipelines and the tables' schemas: don't edit it. "
    "`<study>` is `phantom_study` for the demo, the folder's name for `--params study_path=…`, and "
    "`covid19_radiography` for `base`. Variants and sizes: [data_notes.md](data_notes.md)."
)
_PACKAGE = f"{__package__}."


class UndescribedDatasetError(ValueError):
    """Entries of the catalog that say nothing about what they hold."""


def describe_project(folder: Path) -> str:
    """The page of the project in a folder.

    Raises:
        UndescribedDatasetError: if catalog entries have neither a schema nor a description.
    """
    bootstrap_project(folder)
    conf = OmegaConfigLoader(folder / "conf", env="base", **settings.CONFIG_LOADER_ARGS)
    return describe_data(conf["catalog"], dict(pipelines), conf["globals"]["study_name"])


def describe_data(
    catalog: Mapping[str, dict[str, Any]], registered: Mapping[str, Pipeline], study: str
) -> str:
    """A table of datasets per pipeline, each dataset where it is made first.

    Args:
        catalog: the catalog's configuration. What an entry holds is said by its schema (the class
            of its `validator`) and by `metadata: {description: …}`.
        registered: pipelines by name, in the order of the page.
        study: name of the study in the entries' file paths.

    Raises:
        UndescribedDatasetError: if entries in use have neither a schema nor a description.
    """
    named = {name: each for name, each in registered.items() if name != "__default__"}
    outside = sum(named.values(), Pipeline([])).inputs()
    parts = {"From outside": sorted(outside)}
    for name, pipeline in named.items():
        made_before = {dataset for part in parts.values() for dataset in part}
        outputs = [dataset for node in pipeline.nodes for dataset in node.outputs]
        parts[name] = [dataset for dataset in outputs if dataset not in made_before]
    entries = {name: _entries(datasets, catalog) for name, datasets in parts.items()}
    _check_described(catalog, {entry for part in entries.values() for entry in part})
    sections = []
    for name, part in entries.items():
        rows = [_row(name, catalog[entry], entry, used, named) for entry, used in part.items()]
        if rows:
            columns = dict.fromkeys(rows[0], str)
            sections.append(section(name, table(pd.DataFrame(rows), columns)))
    return page("Datasets", INTRODUCTION, *sections).replace(f"/{study}/", "/<study>/")


def _entries(datasets: Iterable[str], catalog: Mapping[str, Any]) -> dict[str, list[str]]:
    """The catalog's entries, patterns among them, with the datasets that each serves."""
    resolver = CatalogConfigResolver(dict(catalog), default_runtime_patterns={})
    found: dict[str, list[str]] = {}
    for dataset in dict.fromkeys(datasets):
        entry = dataset if dataset in catalog else resolver.match_dataset_pattern(dataset)
        if entry is not None:
            found.setdefault(entry, []).append(dataset)
    return found


def _check_described(catalog: Mapping[str, dict[str, Any]], used: set[str]) -> None:
    silent = sorted(entry for entry in used if not _content(catalog[entry]))
    if silent:
        raise UndescribedDatasetError(
            f"These have neither a schema nor a description in the catalog: {', '.join(silent)}."
        )


def _row(
    home: str,
    config: dict[str, Any],
    entry: str,
    datasets: list[str],
    named: Mapping[str, Pipeline],
) -> dict[str, str]:
    """A line of a pipeline's table; of readers, those of other pipelines are named by these."""
    served = set(datasets)
    nodes = [(name, node) for name, pipeline in named.items() for node in pipeline.nodes]
    makers = [_maker(node) for _, node in nodes if served & {*node.outputs}]
    readers = [
        f"`{_short(node)}`" if name == home else name
        for name, node in nodes
        if served & {*node.inputs}
    ]
    return {
        "dataset": f"`{_as_places(entry)}`",
        "file": _as_places(config.get("filepath") or ""),
        "made by": ", ".join(dict.fromkeys(makers)),
        "read by": ", ".join(dict.fromkeys(readers)),
        "what it holds": _content(config),
    }


def _maker(node: Node) -> str:
    module, function = node.func.__module__.removeprefix(_PACKAGE), node.func.__name__
    as_function = "" if function == _short(node) else f"`{function}`, "
    return f"`{_short(node)}` ({as_function}{module})"


def _short(node: Node) -> str:
    """A node's name without its namespaces."""
    return node.name.rpartition(".")[2]


def _as_places(text: str) -> str:
    """A pattern's placeholders as this page writes them."""
    return text.replace("{", "<").replace("}", ">")


def _content(config: dict[str, Any]) -> str:
    """What a row is, then each column; empty if nothing says what a row is."""
    description = (config.get("metadata") or {}).get("description")
    validator = config.get("validator")
    if validator is None:
        return description or ""
    schema = load_obj(validator if isinstance(validator, str) else validator["class"])
    named = ((name, column.description or "") for name, column in schema.columns.items())
    columns = "; ".join(f"`{name}` {words}".rstrip() for name, words in named)
    row = description or schema.description
    return f"{row}: {columns}" if row else ""


if __name__ == "__main__":
    Path("docs/data.md").write_text(describe_project(Path.cwd()), "utf-8")
