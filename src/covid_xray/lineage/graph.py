"""Records of all outputs, computed down the graph of nodes before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kedro.pipeline import Node, Pipeline

from covid_xray.records import Record, digest, make_record, record_key
from covid_xray.sources import code_record
from covid_xray.studies.files import FolderFiles, describe_files

# Parameters that change how fast an output is made, or where, and nothing of it.
WITHOUT_EFFECT = ("workers", "scratch_folder")
INPUT, _PARAMETERS = "inputs.", "params:"


def records_of(
    pipeline: Pipeline, parameters: Mapping[str, Any], inputs: Mapping[str, str]
) -> dict[str, Record]:
    """What makes each output of a pipeline: code, parameters, and the records of its inputs.

    Args:
        pipeline: the nodes.
        parameters: the project's parameters, as its files and `--params` give them.
        inputs: a fingerprint of each dataset that no node of the pipeline makes.

    Returns:
        By dataset: `sources`, `versions.<library>`, `wiring`, `parameters.<path>`,
        `files.<path>` where a parameter names a folder, and `inputs.<dataset>`.
    """
    keys, records = dict(inputs), {}
    for node in pipeline.nodes:
        read = [name for name in node.inputs if not name.startswith(_PARAMETERS)]
        record = make_record(
            **code_record(node.func),
            wiring=digest(repr((node._inputs, node._outputs)).encode()),
            **_parameter_facts(node, parameters),
            inputs={name: keys[name] for name in read},
        )
        for name in node.outputs:
            records[name], keys[name] = record, record_key(record)
    return records


def _parameter_facts(node: Node, parameters: Mapping[str, Any]) -> dict[str, Any]:
    paths = [n.removeprefix(_PARAMETERS) for n in node.inputs if n.startswith(_PARAMETERS)]
    flat = make_record(**{path: _at(parameters, path) for path in paths})
    facts = {p: value for p, value in flat.items() if p.split(".")[-1] not in WITHOUT_EFFECT}
    return {"parameters": facts, "files": dict(_folders_in(facts))}


def _at(parameters: Mapping[str, Any], path: str) -> Any:
    found: Any = parameters
    for name in path.split("."):
        found = found[name]
    return found


def _folders_in(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Parameters that name a folder, such as one of weights: its files count, not its name."""
    for path, value in facts.items():
        if isinstance(value, str) and value and Path(value).is_dir():
            yield path, describe_files(FolderFiles(Path(value)))
