"""The phantom study: synthetic radiographs with planted truth, made on first use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from covid_xray.studies.phantom import PhantomPlan, write_phantom_study
from covid_xray.studies.study import RadiographyStudy, open_study

_PLAN_FILE = "plan.json"


class PhantomStudyDataset(AbstractDataset[NoReturn, RadiographyStudy]):
    """A small synthetic study, written in the Kaggle layout and read like any other.

    The first load writes it, seeded, with `truth.csv` beside it: lung masks, findings, sources,
    duplicates, blur and broken files, all planted, for the demo and the tests. A phantom is a
    drawing; nothing that it scores says anything about patients.

    Example:
        ```yaml
        radiography_study:
          type: covid_xray.datasets.PhantomStudyDataset
          filepath: data/01_raw/phantom_study
          plan: {images_per_class: 48, seed: 2020}
        ```
    """

    def __init__(
        self,
        *,
        filepath: str,
        plan: Mapping[str, Any] | None = None,
        source_names: Mapping[str, str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe the phantom study.

        Args:
            filepath: folder of the study; written if it is absent.
            plan: fields of `covid_xray.studies.phantom.PhantomPlan`.
            source_names: short source names by a part of the source's URL.
            metadata: for Kedro-Viz and other plugins; not used here.

        Raises:
            DatasetError: if the plan has an unknown field or an impossible value.
        """
        self._filepath = Path(filepath)
        self._source_names = source_names
        self.metadata = metadata
        try:
            self._plan = PhantomPlan(**(plan or {}))
        except (TypeError, ValueError) as error:
            raise DatasetError(f"The phantom study's plan is not usable: {error}.") from error

    def load(self) -> RadiographyStudy:
        """Open the study, writing it first if it is not there or follows another plan."""
        if not self._filepath.exists():
            write_phantom_study(self._filepath, self._plan)
        return open_study(self._filepath, None, self._source_names)

    def save(self, data: NoReturn) -> None:
        """Studies are read-only.

        Raises:
            DatasetError: always.
        """
        raise DatasetError("The phantom study writes itself from its plan; it can't be saved to.")

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "plan": self._plan}
