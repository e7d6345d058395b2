"""Hooks of the project: errors that tell what to do next."""

from __future__ import annotations

import inspect
import re
from difflib import get_close_matches
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from omegaconf import OmegaConf

# Parameters whose names the user chooses, like those of a dictionary that is empty in the files.
FREE_NAMES = ("modeling.class_weights", "modeling.figure_14.class_weights", "optimisers")


class MissingInputError(FileNotFoundError):
    """An input that another pipeline makes, and that was not made yet."""


class UnknownParameterError(ValueError):
    """A name given with `--params` that nothing reads."""


class ProjectHooks:
    """Checks before a run that Kedro leaves to the failing node."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Refuse `--params` names that nothing reads: a misspelt one would change nothing."""
        given = context._runtime_params or {}
        in_files = _parameters_in_files(context.config_loader)
        _check_preset(given, in_files)
        _check_names(given, dict.fromkeys(_runtime_names(context.config_loader)) | in_files)

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Say which pipeline makes an input that is missing, and whether runs are trained anew."""
        missing = [name for name in sorted(pipeline.inputs()) if not catalog.exists(name)]
        makers = _makers() if missing else {}
        unmade = {name: makers[name] for name in missing if name in makers}
        if unmade:
            raise MissingInputError(_missing_message(unmade, run_params))
        trainings = [node for node in pipeline.nodes if inspect.isgeneratorfunction(node.func)]
        for name in [name for node in trainings for name in node.outputs]:
            store: Any = catalog.get(name)
            store.trains_anew = not run_params["only_missing_outputs"]


def _makers() -> dict[str, str]:
    """Which registered pipeline makes each dataset."""
    # A session loads only the pipelines it was asked for, and these make the others' inputs.
    requested = pipelines._requested_pipelines
    pipelines.set_requested(None)
    everything = dict(pipelines)
    pipelines.set_requested(requested)
    return {
        dataset: name
        for name, registered in everything.items()
        if name != "__default__"
        for dataset in registered.all_outputs()
    }


def _missing_message(unmade: dict[str, str], run_params: dict[str, Any]) -> str:
    env = f" --env {run_params['env']}" if run_params.get("env") else ""
    params = run_params.get("runtime_params") or {}
    given = f" --params {','.join(f'{k}={v}' for k, v in params.items())}" if params else ""
    needed = list(dict.fromkeys(unmade.values()))
    commands = "\n".join(f"    kedro run --pipelines {name}{env}{given}" for name in needed)
    listed = "\n".join(f"    {name} (made by {maker})" for name, maker in unmade.items())
    return f"These inputs were not made yet:\n{listed}\nRun first:\n{commands}"


def _check_names(given: dict[str, Any], known: dict[str, Any], path: str = "") -> None:
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


def _check_preset(given: dict[str, Any], in_files: dict[str, Any]) -> None:
    presets = in_files["modeling"]["presets"]
    if given.get("preset", "published") not in presets:
        raise UnknownParameterError(
            f"--params preset={given['preset']} is not a preset of modeling.presets; known are "
            f"{', '.join(presets)}."
        )


def _runtime_names(loader: Any) -> list[str]:
    """Names that the files of the environments in use read as `${runtime_params:NAME}`."""
    read = [loader._read_raw_config(kind) for kind in ("catalog", "parameters")]
    files = [file for base, env, *_ in read for file in [*base.values(), *env.values()]]
    return re.findall(r"\$\{runtime_params:\s*(\w+)", "".join(map(OmegaConf.to_yaml, files)))


def _parameters_in_files(loader: Any) -> dict[str, Any]:
    """The parameters without what was given at run time."""
    given, loader.runtime_params = loader.runtime_params, {}
    try:
        return dict(loader["parameters"])
    finally:
        loader.runtime_params = given
