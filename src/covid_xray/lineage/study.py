"""A study's outputs: what would make each today, and what did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from covid_xray.lineage.book import RecordBook
from covid_xray.lineage.graph import records_of
from covid_xray.origin import Origin, origin_of
from covid_xray.records import Record, digest

STUDY, IMPORTED_SPLITS = "radiography_study", "imported_splits"


@dataclass(frozen=True)
class StudyRecords:
    """What is known of a study's outputs.

    Attributes:
        name: the study's name, under which its outputs lie.
        book: their records.
        pipelines: all registered pipelines, by name.
        parameters: the project's parameters.
        roots: a fingerprint of every dataset that no pipeline makes.
        wanted: the record that each output would have if it were made today.
        location: where the study is.
    """

    name: str
    book: RecordBook
    pipelines: dict[str, Pipeline]
    parameters: Mapping[str, Any]
    roots: Mapping[str, str]
    wanted: Mapping[str, Record]
    location: str

    @property
    def protocol(self) -> str:
        """The protocol that this run asks for."""
        return str(self.parameters["splitting"]["protocol"])

    @property
    def identity(self) -> dict[str, str]:
        """Whose outputs are kept under the name."""
        files = self.roots[STUDY]
        return {"location": self.location, "files": files, "protocol": self.protocol}

    @property
    def origin(self) -> Origin:
        """What pages and models say of where they come from."""
        splitting = self.parameters["splitting"]
        return origin_of(self.name, self.roots[STUDY], splitting, self.roots[IMPORTED_SPLITS])

    @property
    def makers(self) -> dict[str, str]:
        """The pipeline that makes each dataset."""
        return makers_of(self.pipelines)


def all_pipelines() -> dict[str, Pipeline]:
    """Every registered pipeline but `__default__`, whichever ones a session asked for."""
    requested = pipelines._requested_pipelines
    pipelines.set_requested(None)
    everything = {name: found for name, found in pipelines.items() if name != "__default__"}
    pipelines.set_requested(requested)
    return everything


def makers_of(everything: Mapping[str, Pipeline]) -> dict[str, str]:
    """Which of some pipelines makes each dataset."""
    return {dataset: name for name, found in everything.items() for dataset in found.all_outputs()}


def records_folder(project: Path, name: str) -> Path:
    """Where the records of a study's outputs are."""
    return project / "data" / "08_reporting" / name / "records"


def study_records(
    context: KedroContext, catalog: CatalogProtocol[Any, Any], everything: dict[str, Pipeline]
) -> StudyRecords:
    """Look up what would make each output of the session's study today.

    Args:
        context: the session's.
        catalog: its catalog; the study is opened for its files' names and sizes, and downloaded or
            written first where it is absent and that is how it is had.
        everything: all registered pipelines.

    Raises:
        DatasetError: if the study can't be opened.
    """
    parameters = context.config_loader["parameters"]
    name = parameters["study_name"]
    book = RecordBook(records_folder(context.project_path, name))
    whole = sum(everything.values(), Pipeline([]))
    given = sorted(n for n in whole.inputs() if not n.startswith("params:"))
    roots = {dataset: _root(dataset, catalog, book) for dataset in given}
    wanted = records_of(whole, parameters, roots)
    location = getattr(catalog.get(STUDY), "location", "")
    return StudyRecords(name, book, everything, parameters, roots, wanted, location)


def _root(dataset: str, catalog: CatalogProtocol[Any, Any], book: RecordBook) -> str:
    """A fingerprint of a dataset that no pipeline makes: a study's files, or a file's bytes."""
    found: Any = catalog.get(dataset)
    if dataset == STUDY and book.study() and not catalog.exists(dataset):
        # Arrays and tables outlive the raw data; the record says whose they are.
        return book.study()["files"]
    if hasattr(found, "fingerprint"):
        return str(found.fingerprint())
    path = Path(str(found._filepath))
    return digest(path.read_bytes()) if path.is_file() else "missing"
