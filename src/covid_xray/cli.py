"""Commands of the project beside Kedro's own: `kedro status`."""

from __future__ import annotations

from typing import Any

import click
from kedro.framework.cli.project import PARAMS_ARG_HELP
from kedro.framework.cli.utils import _split_params, env_option
from kedro.framework.context import KedroContext
from kedro.framework.session import KedroSession

from covid_xray.lineage.book import RecordBook
from covid_xray.lineage.causes import Causes, tell
from covid_xray.lineage.study import StudyRecords, all_pipelines, records_folder, study_records
from covid_xray.origin import describe_origin


@click.group(name="covid_xray")
def cli() -> None:
    """Commands of the project."""


@cli.command()
@click.argument("dataset", required=False)
@env_option
@click.option("--params", default="", help=PARAMS_ARG_HELP, callback=_split_params)
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
    there = {name for name in study.wanted if catalog.exists(name)}
    if dataset is None:
        click.echo(_list_outputs(study, there))
    elif dataset in study.wanted:
        click.echo(_describe_output(study, dataset, there))
    else:
        raise click.BadParameter(
            f"'{dataset}' is no output of a pipeline; `kedro status` alone lists them.",
            param_hint="DATASET",
        )


def _list_outputs(study: StudyRecords, there: set[str]) -> str:
    width = max(map(len, study.wanted))
    lines = [f"{'output':<{width}}  {'made (UTC)':<16}  state"]
    for pipeline, found in study.pipelines.items():
        lines += ["", f"{pipeline}:"]
        for name in sorted(found.all_outputs()):
            made = (study.book.read(name) or {"made": ""})["made"][:16].replace("T", " ")
            lines.append(f"{name:<{width}}  {made:<16}  {_state(study, name, there)}")
    return "\n".join(lines)


def _describe_output(study: StudyRecords, dataset: str, there: set[str]) -> str:
    entry = study.book.read(dataset)
    lines = [f"{dataset}: {_state(study, dataset, there, at_most=100)}"]
    if entry is not None:
        lines += [f"Made {entry['made']} by {entry['node']}.", describe_origin(entry["origin"])]
        lines += ["Made of:", *(f"    {name}: {fact}" for name, fact in entry["record"].items())]
    return "\n".join(lines)


def _state(study: StudyRecords, dataset: str, there: set[str], at_most: int = 1) -> str:
    if dataset not in there:
        return "not there"
    causes = Causes(study.book, study.wanted).of(dataset)
    return f"stale: {tell(causes, at_most)}" if causes else "current"
