"""Commands of the project: `kedro status`, and Kedro's own `run` with a word on commas."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import click
from kedro.framework.cli.project import PARAMS_ARG_HELP
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import _split_params, env_option, split_string
from kedro.framework.context import KedroContext
from kedro.framework.session import KedroSession
from kedro.io import CatalogProtocol

from covid_xray.datasets.absence import AbsenceMixin
from covid_xray.lineage.book import RecordBook
from covid_xray.lineage.causes import Causes, tell
from covid_xray.lineage.study import StudyRecords, all_pipelines, records_folder, study_records
from covid_xray.origin import describe_origin


@click.group(name="covid_xray")
def cli() -> None:
    """Commands of the project."""


def split_params(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Read `--params` as Kedro does, and say what to do where a value holds a comma."""
    items = split_string(context, option, value) if isinstance(value, str) else []
    for item in items:
        if "=" not in item:
            context.fail(
                f"--params takes NAME=VALUE with commas between them, and '{item}' is none. A "
                "value can't hold a comma: if it is a path, rename it, or make a link to it whose "
                "path has none."
            )
    return _split_params(context, option, value)


def _run_that_explains_commas() -> click.Command:
    options = [copy.copy(option) for option in kedro_run.params]
    (params,) = (option for option in options if option.name == "params")
    params.callback = split_params
    command = copy.copy(kedro_run)
    command.params = options
    return command


# Kedro and `python -m covid_xray` look for it by this name.
run = _run_that_explains_commas()
cli.add_command(run)


@cli.command()
@click.argument("dataset", required=False)
@env_option
@click.option("--params", default="", help=PARAMS_ARG_HELP, callback=split_params)
def status(dataset: str | None, env: str | None, params: dict[str, Any]) -> None:
    """Show when each output was made, and whether it would be made the same way today.

    With the name of a DATASET: also what it was made of.
    """
    with KedroSession.create(env=env, runtime_params=params) as session:
        context: KedroContext = session.load_context()  # type: ignore[attr-defined]
        catalog = context.catalog
        project, name = context.project_path, context.config_loader["parameters"]["study_name"]
        if not RecordBook(records_folder(project, name)).study():
            raise click.ClickException(f"Nothing of '{name}' was made yet: `kedro run` makes it.")
        study = study_records(context, catalog, all_pipelines())
    found = {name: _what_is_there(catalog, name) for name in study.wanted}
    there = {name: words for name, words in found.items() if words is not None}
    if dataset is None:
        click.echo(_list_outputs(study, there))
    elif dataset in study.wanted:
        click.echo(_describe_output(study, dataset, there))
    else:
        raise click.BadParameter(
            f"'{dataset}' is no output of a pipeline; `kedro status` alone lists them.",
            param_hint="DATASET",
        )


def _what_is_there(catalog: CatalogProtocol[Any, Any], name: str) -> str | None:
    """Why the study can't have an output; empty if it is there, None if it is not."""
    dataset = catalog.get(name)
    absence = dataset.not_made() if isinstance(dataset, AbsenceMixin) else None
    if absence is not None:
        return absence.reason
    return "" if catalog.exists(name) else None


def _list_outputs(study: StudyRecords, there: Mapping[str, str]) -> str:
    width = max(map(len, study.wanted))
    lines = [f"{'output':<{width}}  {'made (UTC)':<16}  state"]
    for pipeline, found in study.pipelines.items():
        lines += ["", f"{pipeline}:"]
        for name in sorted(found.all_outputs()):
            made = (study.book.read(name) or {"made": ""})["made"][:16].replace("T", " ")
            lines.append(f"{name:<{width}}  {made:<16}  {_state(study, name, there)}")
    return "\n".join(lines)


def _describe_output(study: StudyRecords, dataset: str, there: Mapping[str, str]) -> str:
    entry = study.book.read(dataset)
    lines = [f"{dataset}: {_state(study, dataset, there, at_most=100)}"]
    if there.get(dataset):
        lines.append(f"Not made: {there[dataset]}")
    if entry is not None:
        lines += [f"Made {entry['made']} by {entry['node']}.", describe_origin(entry["origin"])]
        lines += ["Made of:", *(f"    {name}: {fact}" for name, fact in entry["record"].items())]
    return "\n".join(lines)


def _state(study: StudyRecords, dataset: str, there: Mapping[str, str], at_most: int = 1) -> str:
    if dataset not in there:
        return "not there"
    causes = Causes(study.book, study.wanted).of(dataset)
    state = f"stale: {tell(causes, at_most)}" if causes else "current"
    return f"{state}, not made" if there[dataset] else state
