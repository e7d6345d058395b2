"""A study of radiographs in the Kaggle layout, as a folder, a zip archive or a download."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from covid_xray.studies.details import metadata_facts
from covid_xray.studies.files import StudyError, describe_files, open_study_files
from covid_xray.studies.run_time import Classes, class_folders, cut_at_a_comma
from covid_xray.studies.study import RadiographyStudy, open_study


class RadiographyStudyDataset(AbstractDataset[NoReturn, RadiographyStudy | None]):
    """Opens `<class>/images/*.png`, `<class>/masks/*.png` and `<class>.metadata.xlsx`.

    Masks and metadata are optional, per image and per class. The layout may be nested one
    folder deep, as Kaggle's archive is, and the archive is read as it is, without unpacking.

    Example:
        ```yaml
        radiography_study:
          type: covid_xray.datasets.RadiographyStudyDataset
          filepath: data/01_raw/COVID-19_Radiography_Dataset.zip
          classes: [COVID, Lung_Opacity, Normal, Viral Pneumonia]
        ```
    """

    def __init__(
        self,
        *,
        filepath: str | None,
        classes: Classes | str | None = None,
        source_names: Mapping[str, str] | None = None,
        kaggle_handle: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe where the study is.

        Args:
            filepath: the study's folder or zip archive; None where a study may be left out.
            classes: class names, in a list or a text with `+` between them, or class name to folder
                name; every folder if None.
            source_names: short source names by a part of the source's URL.
            kaggle_handle: `owner/dataset` to download if nothing is at `filepath`; needs the
                extra `kaggle`.
            metadata: for Kedro-Viz and other plugins; not used here.

        Raises:
            UnusableValueError: if `classes` is something else.
        """
        self._filepath = None if filepath is None else Path(filepath)
        self._classes = class_folders(classes)
        self._source_names = source_names
        self._kaggle_handle = kaggle_handle
        self.metadata = metadata

    def load(self) -> RadiographyStudy | None:
        """Open the study, downloading it first if it is absent and a Kaggle handle is given.

        Returns:
            The study; None if it was left out of the configuration.
        """
        location = self._present()
        if location is None:
            return None
        try:
            return open_study(location, self._classes, self._source_names)
        except StudyError as error:
            raise DatasetError(str(error)) from error

    @property
    def location(self) -> str:
        """Where the study is, or `none`."""
        return "none" if self._filepath is None else str(self._filepath.resolve())

    def fingerprint(self) -> str:
        """What sets the study apart: its files' names and sizes, its sheets, how they are read.

        Raises:
            DatasetError: if there is no study.
        """
        location = self._present()
        if location is None:
            return "none"
        try:
            files = open_study_files(location)
        except StudyError as error:
            raise DatasetError(str(error)) from error
        reading = repr((self._classes, self._source_names)).encode()
        return describe_files(files, reading, metadata_facts(files))

    def _present(self) -> Path | None:
        """The study's folder or archive, downloaded first if it is absent."""
        if self._filepath is None or self._filepath.exists():
            return self._filepath
        return self._download()

    def save(self, data: NoReturn) -> None:
        """Studies are read-only.

        Raises:
            DatasetError: always.
        """
        raise DatasetError(f"{self._filepath} is raw data: this project never writes to it.")

    def _download(self) -> Path:
        if not self._kaggle_handle:
            raise DatasetError(self._missing("no Kaggle handle is configured"))
        try:
            import kagglehub

            return Path(kagglehub.dataset_download(self._kaggle_handle))
        except ImportError as error:
            why = (
                "kagglehub, which downloads it, is not installed: type "
                "`pip install -e '.[kaggle]'` in the project's folder"
            )
            raise DatasetError(self._missing(why)) from error
        except Exception as error:  # network, credentials, consent: kagglehub raises many kinds
            why = f"downloading '{self._kaggle_handle}' from Kaggle failed ({error})"
            raise DatasetError(self._missing(why)) from error

    def _missing(self, why: str) -> str:
        return (
            f"There is no study at {self._filepath}, and {why}.\n"
            f"{cut_at_a_comma(self._filepath) if self._filepath else ''}"
            "Put the COVID-19 Radiography Database there, as a folder or as Kaggle's zip: "
            "kaggle.com/datasets/tawsifurrahman/covid19-radiography-database (see the README's "
            "section on data), or name your own folder with --params study_path=FOLDER.\n"
            "`kedro run` alone needs no data: it makes the phantom study of the demo."
        )

    def _exists(self) -> bool:
        # A study that may be left out is there: it loads as None.
        return self._filepath is None or self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {
            "filepath": str(self._filepath or "none"),
            "classes": self._classes,
            "kaggle_handle": self._kaggle_handle,
        }
