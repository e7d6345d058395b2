"""A study of radiographs, opened but not read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from covid_xray.imaging.decoding import RejectionReason
from covid_xray.studies.files import StudyFiles, open_study_files
from covid_xray.studies.layout import RadiographFile, RejectedFile, read_layout
from covid_xray.studies.metadata import MetadataError, read_source_urls, source_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RadiographyStudy:
    """The radiographs of a study, their masks and sources, and the files refused by name.

    Attributes:
        files: reads the bytes of any of the study's files.
        radiographs: every candidate radiograph.
        sources: (short name, URL) by image_id; images without metadata are absent.
        rejected: files refused before being opened.
    """

    files: StudyFiles
    radiographs: list[RadiographFile]
    sources: dict[str, tuple[str, str]]
    rejected: list[RejectedFile] = field(default_factory=list)

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
    sources: dict[str, tuple[str, str]] = {}
    rejected = list(layout.rejected)
    for label, path in layout.metadata.items():
        try:
            urls = read_source_urls(_read_metadata(files, path))
        except MetadataError as error:
            reason = RejectionReason.UNREADABLE_METADATA
            rejected.append(RejectedFile(str(path), label, "metadata", reason, str(error)))
            continue
        for radiograph in layout.radiographs:
            url = urls.get(radiograph.path.stem.lower())
            if radiograph.label == label and url:
                sources[radiograph.image_id] = (source_name(url, source_names), url)
    return RadiographyStudy(files, layout.radiographs, sources, rejected)


def _read_metadata(files: StudyFiles, path: PurePosixPath) -> bytes:
    try:
        return files.read(path)
    except Exception as error:  # OSError on disk; zlib and zipfile have errors of their own
        raise MetadataError(f"not a readable file ({error})") from error
