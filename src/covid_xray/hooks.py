"""Hooks of the project: errors that tell what to do next."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

# Read with `${runtime_params:…}` in the catalog and the parameters.
RUNTIME_PARAMETERS = (
    "study_path",
    "kaggle_handle",
    "protocol",
    "seed",
    "weights",
    "segmentation_pairs",
    "mask_source",
    "preset",
)


class MissingInputError(FileNotFoundError):
    """An input that another pipeline makes, and that was not made yet."""


class UnknownParameterError(ValueError):
    """A name given with `--params` that nothing reads."""


class ProjectHooks:
    """Checks before a run that Kedro leaves to the failing node."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Refuse `--params` names that nothing reads: a misspelt one would change nothing."""
        in_files = _parameters_in_files(context)
        known = in_files | dict.fromkeys(RUNTIME_PARAMETERS)
        _check_preset(context, in_files)
        for name, value in (context._runtime_params or {}).items():
            _check_known(name, known)
            if isinstance(value, dict) and isinstance(known[name], dict):
                for nested in value:
                    _check_known(nested, known[name], f"{name}.")

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Say which pipeline makes an input that is missing, and whether runs are trained anew."""
        missing = [
            name
            for name in sorted(pipeline.inputs())
            if not _is_parameter(name) and not catalog.exists(name)
        ]
        makers = _makers() if missing else {}
        unmade = {name: makers[name] for name in missing if name in makers}
        if unmade:
            raise MissingInputError(_missing_message(unmade, run_params))
        for node in pipeline.nodes:
            if inspect.isgeneratorfunction(node.func):
                for name in node.outputs:
                    store: Any = catalog.get(name)
                    store.trains_anew = not run_params["only_missing_outputs"]


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


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


def _check_known(name: str, known: dict[str, Any], prefix: str = "") -> None:
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean '{prefix}{close[0]}'?" if close else ""
    raise UnknownParameterError(
        f"--params names '{prefix}{name}', which nothing reads.{hint} "
        f"Known are {', '.join(f'{prefix}{other}' for other in sorted(known))}."
    )


def _check_preset(context: KedroContext, in_files: dict[str, Any]) -> None:
    presets = in_files["modeling"]["presets"]
    given = (context._runtime_params or {}).get("preset")
    if given is not None and given not in presets:
        raise UnknownParameterError(
            f"--params preset={given} is not a preset of modeling.presets; known are "
            f"{', '.join(presets)}."
        )


def _parameters_in_files(context: KedroContext) -> dict[str, Any]:
    """The parameters without what was given at run time."""
    loader = context.config_loader
    given, loader.runtime_params = loader.runtime_params, {}
    try:
        return dict(loader["parameters"])
    finally:
        loader.runtime_params = given
