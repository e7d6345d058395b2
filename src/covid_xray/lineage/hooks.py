"""The hook that keeps records: what made each output, and whether it is still to be used."""

from __future__ import annotations

import logging
from typing import Any

from filelock import FileLock, Timeout
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Node, Pipeline

from covid_xray.absence import NotMade
from covid_xray.datasets.catalog import StudyCatalog
from covid_xray.lineage import checks
from covid_xray.lineage.causes import Causes, keys_of, tell
from covid_xray.lineage.graph import records_of
from covid_xray.lineage.pretrained import check_weights
from covid_xray.lineage.study import (
    STUDY,
    StudyRecords,
    all_pipelines,
    makers_of,
    records_folder,
    study_records,
)
from covid_xray.lineage.surroundings import check_surroundings
from covid_xray.records import Record
from covid_xray.whole import remove_partial_files

logger = logging.getLogger(__name__)


class BusyStudyError(RuntimeError):
    """Another run is writing outputs of the same study."""


class RecordHooks:
    """Records what makes each output, and holds a run to what the records say."""

    _context: KedroContext
    _study: StudyRecords
    _catalog: StudyCatalog
    _records: dict[str, Record]  # what makes each output of this run
    _unsaved: dict[str, set[str]]  # outputs of each node that it has not saved yet
    _absent: dict[str, list[str]]  # outputs that the study can't have, by the reason
    _held: FileLock

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Keep the session's context."""
        self._context = context

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: StudyCatalog
    ) -> None:
        """Check the run, take the study's lock, and say what counts as there.

        Raises:
            SurroundingsError: if Keras or Matplotlib is set to what would fail or differ.
            MissingInputError: if an input was not made.
            WeightsError: if pre-trained weights are missing.
            StaleInputError: if one was made of other data or parameters.
            OtherStudyError: if the study's name belongs to another study or protocol.
            BusyStudyError: if another run writes to it.
            RunnerError: if the runner would change results.
        """
        check_surroundings()
        checks.check_runner(run_params, pipeline)
        everything = all_pipelines()
        checks.check_inputs_exist(pipeline, catalog, makers_of(everything), run_params)
        check_weights(pipeline.nodes, catalog)
        self._lock()
        try:
            self._study = study_records(self._context, catalog, everything)
            checks.check_study(self._study)
            checks.check_inputs_are_current(self._study, pipeline, run_params)
            self._begin(pipeline, catalog, anew=not run_params["only_missing_outputs"])
        except BaseException:
            self._unlock()
            raise

    def _begin(self, pipeline: Pipeline, catalog: StudyCatalog, *, anew: bool) -> None:
        study = self._study
        given = keys_of(study.book, pipeline.inputs() & set(study.wanted))
        self._records = records_of(pipeline, study.parameters, dict(study.roots) | given)
        self._unsaved = {node.name: set(node.outputs) for node in pipeline.nodes}
        self._catalog, self._absent = catalog, {}
        if STUDY in pipeline.inputs() and study.book.study() != study.identity:
            study.book.write_study(study.identity)
        for name in self._records:
            dataset = catalog.get(name)
            _tell(dataset, "origin", study.origin)
            _tell(dataset, "trains_anew", anew)
        if not anew:
            self._hide_stale()

    def _hide_stale(self) -> None:
        """Let stale outputs count as missing, and say in one line why."""
        stale = Causes(self._study.book, self._records).of_all(self._records)
        there = [name for name in stale if self._catalog.exists(name)]
        for name in there:
            self._catalog.hide(name)
        if there:
            causes = [cause for name in there for cause in stale[name]]
            logger.info(
                "%d of %d outputs are made again: %s", len(there), len(self._records), tell(causes)
            )

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Before a node's first output changes, take back the records of all of them."""
        if len(self._unsaved[node.name]) == len(node.outputs):
            self._study.book.withdraw(node.outputs)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """After a node's last output is whole, record what made them."""
        if isinstance(data, NotMade):
            self._absent.setdefault(data.reason, []).append(dataset_name)
        unsaved = self._unsaved[node.name]
        # A store of runs is saved run by run, and is there with the last of them.
        if self._catalog.exists(dataset_name):
            unsaved.discard(dataset_name)
        if not unsaved:
            record = self._records[dataset_name]
            self._study.book.write(node.outputs, node.name, record, self._study.origin)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Say what the study can't have, and let others write to it."""
        for reason, names in self._absent.items():
            logger.warning("Not made (%s): %s", _some(names), reason)
        self._unlock()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Let others write to the study."""
        self._unlock()

    def _lock(self) -> None:
        name = self._context.config_loader["parameters"]["study_name"]
        folder = records_folder(self._context.project_path, name)
        folder.mkdir(parents=True, exist_ok=True)
        # One object for a file: a run that was interrupted in a notebook holds its own lock still.
        self._held = FileLock(folder / ".lock", is_singleton=True)
        try:
            self._held.acquire(timeout=0)
        except Timeout as error:
            raise BusyStudyError(
                f"Another run is writing the outputs of '{name}'. Wait until it has ended, or keep "
                "this run's outputs apart with --params study_name=NAME."
            ) from error
        for outputs in self._context.project_path.glob(f"data/0[2-8]*/{name}"):
            remove_partial_files(outputs)

    def _unlock(self) -> None:
        self._held.release(force=True)


def _some(names: list[str], at_most: int = 4) -> str:
    return ", ".join(names[:at_most]) + (", …" if len(names) > at_most else "")


def _tell(dataset: object, attribute: str, value: object) -> None:
    """Set an attribute of those datasets that have it."""
    if hasattr(dataset, attribute):
        setattr(dataset, attribute, value)
