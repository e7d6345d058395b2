"""A study of radiographs, opened but not read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from covid_xray.studies.details import gather_details
from covid_xray.studies.files import StudyFiles, open_study_files
from covid_xray.studies.layout import RadiographFile, RejectedFile, read_layout
from covid_xray.studies.metadata import source_name, unmatched_sources


@dataclass(frozen=True)
class Person:
    """Whom a radiograph shows, and how it was taken; None where the metadata do not say.

    Attributes:
        patient_id: the patient's name in the metadata.
        view: the projection, such as `PA`, in capitals.
        age: years.
        sex: `F` or `M`.
    """

    patient_id: str | None = None
    view: str | None = None
    age: float | None = None
    sex: str | None = None


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RadiographyStudy:
    """The radiographs of a study, their masks and sources, and the files refused by name.

    Attributes:
        files: reads the bytes of any of the study's files.
        radiographs: every candidate radiograph.
        sources: (short name, URL) by image_id; images without metadata are absent.
        rejected: files refused before being opened.
        people: by image_id; images without metadata are absent.
        notes: what in the metadata is not used, in words and numbers.
    """

    files: StudyFiles
    radiographs: list[RadiographFile]
    sources: dict[str, tuple[str, str]]
    rejected: list[RejectedFile] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def describe(self) -> dict[str, int]:
        """Number of radiographs per class."""
        labels = [radiograph.label for radiograph in self.radiographs]
        return {label: labels.count(label) for label in dict.fromkeys(labels)}


def open_study(
    location: Path,
    classes: Mapping[str, str] | Sequence[str] | None = None,
    source_names: Mapping[str, str] | None = None,
) -> RadiographyStudy:
    """Open a study folder or zip archive in the Kaggle layout.

    Args:
        location: the folder or the archive.
        classes: class names, or class name to folder name; every folder if None.
        source_names: short source names by a part of the source's URL.

    Raises:
        StudyError: if the study is missing, refused, or lacks a class.
    """
    files = open_study_files(location)
    layout = read_layout(files, classes)
    for note in layout.notes:
        logger.info("In %s, %s", location, note)
    details = gather_details(files, layout)
    urls = details.table["url"].dropna()
    return RadiographyStudy(
        files,
        layout.radiographs,
        sources={str(name): (source_name(url, source_names), url) for name, url in urls.items()},
        rejected=layout.rejected + details.rejected,
        people=_people(details.table),
        notes=details.notes + unmatched_sources(urls, source_names or {}),
    )


def _people(table: pd.DataFrame) -> dict[str, Person]:
    told = table[["patient_id", "view", "age", "sex"]].dropna(how="all")
    known = told.astype("object").where(told.notna(), None)
    return {str(name): Person(*row) for name, *row in known.itertuples()}
