"""The hook that checks `--params`: a name that nothing reads would change nothing."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from covid_xray.lineage.study import all_pipelines
from covid_xray.records import make_record
from covid_xray.studies.run_time import CLASSES, LOCATIONS, check_location, class_folders

logger = logging.getLogger(__name__)

# Parameters whose names the user chooses, like those of a dictionary that is empty in the files.
FREE_NAMES = ("modeling.class_weights", "modeling.figure_14.class_weights", "optimisers")
# Entries of the files that name the outputs: what only they read changes no output.
_NAMING = re.compile(r"^(_study|study_name): .*$", re.MULTILINE)
_READ_AT_RUN_TIME = re.compile(r"\$\{runtime_params:\s*(\w+)")


class UnknownParameterError(ValueError):
    """A name given with `--params` that nothing reads."""


class ParameterHooks:
    """Checks of parameters that Kedro leaves out."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Refuse what nothing in the environment reads: a misspelt name would change nothing.

        Raises:
            UnknownParameterError: with what was meant, or the command that reads it.
            UnusableValueError: if a path or the classes can't be what was typed.
        """
        given = context._runtime_params or {}
        if not given:
            return
        loader: Any = context.config_loader
        folder, environment = Path(loader.conf_source), context.env or loader.default_run_env
        at_run_time = _names_read(folder, loader.base_env, environment) | {"study_name"}
        in_files = _parameters_in_files(loader)
        _check_preset(given, in_files)
        _check_study(given, context.project_path)
        others = {name: value for name, value in given.items() if name not in at_run_time}
        for name in set(others) - set(in_files):
            _refuse_if_of_other_environment(name, given[name], folder, environment)
        _check_names(others, in_files | dict.fromkeys(at_run_time))
        _check_that_nodes_read(others, in_files)


def _refuse_if_of_other_environment(
    name: str, value: object, folder: Path, environment: str
) -> None:
    elsewhere = sorted(
        env.name for env in folder.iterdir() if name in _names_read(folder, env.name)
    )
    if elsewhere:
        raise UnknownParameterError(
            f"--params names '{name}', which nothing in the environment '{environment}' reads. "
            f"Type:\n    kedro run --env {elsewhere[0]} --params {_as_typed(name, value)}"
        )


def _as_typed(name: str, value: object) -> str:
    return ",".join(f"{path}={leaf}" for path, leaf in make_record(**{name: value}).items())


def _check_study(given: Mapping[str, Any], project: Path) -> None:
    """Refuse a path or classes of which Kedro made something else than what was typed."""
    for name in LOCATIONS:
        told = check_location(name, given[name], project) if name in given else None
        if told:
            logger.warning("%s", told)
    if CLASSES in given:
        class_folders([] if given[CLASSES] is None else given[CLASSES])


def _check_names(given: Mapping[str, Any], known: Mapping[str, Any], path: str = "") -> None:
    for name, value in given.items():
        full = f"{path}{name}"
        if name not in known:
            raise UnknownParameterError(_unknown_message(path, name, sorted(known)))
        has_names = isinstance(known[name], dict) and known[name] and full not in FREE_NAMES
        if isinstance(value, dict) and has_names:
            _check_names(value, known[name], f"{full}.")


def _unknown_message(path: str, name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean '{path}{close[0]}'?" if close else ""
    listed = ", ".join(f"{path}{other}" for other in known)
    return f"--params names '{path}{name}', which nothing reads.{hint} Known are {listed}."


def _check_that_nodes_read(given: Mapping[str, Any], in_files: Mapping[str, Any]) -> None:
    """Refuse what stands in the files and reaches no node, such as one of several presets."""
    inputs = {name for found in all_pipelines().values() for name in found.inputs()}
    read = {name.removeprefix("params:") for name in inputs if name.startswith("params:")}
    for path, value in make_record(**given).items():
        if not _overlaps(path, read):
            leaf = path.rpartition(".")[2]
            same = [p for p in make_record(**in_files) if p.endswith(f".{leaf}")]
            meant = get_close_matches(path, [p for p in same if _overlaps(p, read)], n=1, cutoff=0)
            command = f" Type:\n    --params {meant[0]}={value}" if meant else ""
            raise UnknownParameterError(f"--params sets '{path}', which no node reads.{command}")


def _overlaps(path: str, read: Iterable[str]) -> bool:
    return any(f"{path}.".startswith(f"{r}.") or r.startswith(f"{path}.") for r in read)


def _check_preset(given: Mapping[str, Any], in_files: Mapping[str, Any]) -> None:
    presets = in_files["modeling"]["presets"]
    if "preset" in given and given["preset"] not in presets:
        raise UnknownParameterError(
            f"--params preset={given['preset']} is not a preset of modeling.presets; known are "
            f"{', '.join(presets)}."
        )


def _names_read(folder: Path, *environments: str) -> set[str]:
    """Names that the files of some environments read as `${runtime_params:NAME}`."""
    files = [file for env in environments for file in sorted((folder / env).rglob("*.yml"))]
    text = "\n".join(_NAMING.sub("", file.read_text("utf-8")) for file in files)
    return set(_READ_AT_RUN_TIME.findall(text))


def _parameters_in_files(loader: Any) -> dict[str, Any]:
    """The parameters without what was given at run time."""
    given, loader.runtime_params = loader.runtime_params, {}
    try:
        return dict(loader["parameters"])
    finally:
        loader.runtime_params = given
