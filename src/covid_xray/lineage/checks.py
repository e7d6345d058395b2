"""What a run is refused for: inputs that are missing or of another making, and mixed studies."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from covid_xray.lineage.causes import Causes, tell
from covid_xray.lineage.study import STUDY, StudyRecords
from covid_xray.records import make_record
from covid_xray.sources import code_record

logger = logging.getLogger(__name__)


class MissingInputError(FileNotFoundError):
    """An input that another pipeline makes, and that was not made yet."""


class StaleInputError(ValueError):
    """An input that was made of something else than this run asks for."""


class OtherStudyError(ValueError):
    """A run that would mix its outputs with those of another study or protocol."""


class RunnerError(ValueError):
    """A runner under which results would change."""


def check_runner(run_params: Mapping[str, Any], pipeline: Pipeline) -> None:
    """Refuse to train several networks at once in one process, and processes without records.

    Keras and TensorFlow have one seed and one session per process: networks that are trained
    side by side draw from each other's random numbers. Kedro's ParallelRunner starts processes in
    which OpenCV's threads hang, and which keep no records.

    Raises:
        RunnerError: for ParallelRunner, and for ThreadRunner where a node uses Keras.
    """
    runner = str(run_params["runner"])
    if "ParallelRunner" in runner:
        raise RunnerError(
            "ParallelRunner does not serve here: its processes keep no records of what they make. "
            "Leave out --runner: reading, augmentation and training use all processors as it is."
        )
    if "ThreadRunner" not in runner:
        return
    training = [node.name for node in pipeline.nodes if "versions.keras" in code_record(node.func)]
    if training:
        raise RunnerError(
            f"ThreadRunner would change results: {len(training)} nodes ({training[0]}, …) use "
            "Keras, whose seed and session all threads share. Leave out --runner, or name "
            "pipelines without networks, such as --pipelines data_engineering."
        )


def check_inputs_exist(
    pipeline: Pipeline,
    catalog: CatalogProtocol[Any, Any],
    makers: Mapping[str, str],
    run_params: Mapping[str, Any],
) -> None:
    """Say which pipelines make the inputs that are missing.

    Raises:
        MissingInputError: if there are any.
    """
    missing = [n for n in sorted(pipeline.inputs()) if n in makers and not catalog.exists(n)]
    if missing:
        listed = "\n".join(f"    {name} (made by {makers[name]})" for name in missing)
        raise MissingInputError(
            f"These inputs were not made yet:\n{listed}\n{_run_first(missing, makers, run_params)}"
        )


def check_inputs_are_current(
    study: StudyRecords, pipeline: Pipeline, run_params: Mapping[str, Any]
) -> None:
    """Refuse inputs that were made of other data or parameters; warn of those of other code.

    Raises:
        StaleInputError: if there are any.
    """
    causes = Causes(study.book, study.wanted)
    stale = causes.of_all(sorted(pipeline.inputs() & set(study.wanted)))
    every = [cause for of_one in stale.values() for cause in of_one]
    refused = {name: of for name, of in stale.items() if not all(cause.of_code for cause in of)}
    if refused:
        listed = "\n".join(f"    {name}: {tell(of)}" for name, of in refused.items())
        raise StaleInputError(
            f"These inputs were made otherwise than this run asks for:\n{listed}\n"
            f"{_run_first(refused, study.makers, run_params)}\n"
            "or ask for what they were made of. `kedro status` shows every output."
        )
    if every:
        logger.warning(
            "Inputs were made by other code than today's (%s). `kedro run --only-missing-outputs` "
            "makes them, and what follows from them, again.",
            tell(every),
        )


def check_study(study: StudyRecords) -> None:
    """Refuse to write one study's outputs among another's, or one protocol's.

    Raises:
        OtherStudyError: with the two ways out.
    """
    kept, protocol = study.book.study(), study.protocol
    if not kept:
        return
    if kept["protocol"] != protocol:
        told = f"follow the protocol {kept['protocol']}, and this run asks for {protocol}"
        other = f"{study.name}_{protocol}"
    elif kept["files"] != study.roots[STUDY] and kept["location"] != study.location:
        told = (
            f"are of the study at {kept['location']} ({kept['files']}), and this run reads "
            f"{study.location} ({study.roots[STUDY]})"
        )
        other = "NAME"
    else:
        return
    raise OtherStudyError(
        f"The outputs called '{study.name}' {told}. Keep both: add study_name={other} to "
        f"--params. Or start over: delete the folders data/0[2-8]*/{study.name}."
    )


def _run_first(
    datasets: Iterable[str], makers: Mapping[str, str], run_params: Mapping[str, Any]
) -> str:
    env = f" --env {run_params['env']}" if run_params.get("env") else ""
    params = run_params.get("runtime_params") or {}
    typed = ",".join(f"{path}={value}" for path, value in make_record(**params).items())
    given = f" --params {shlex.quote(typed)}" if params else ""
    needed = list(dict.fromkeys(makers[name] for name in datasets))
    commands = "\n".join(f"    kedro run --pipelines {name}{env}{given}" for name in needed)
    return f"Run first:\n{commands}"
