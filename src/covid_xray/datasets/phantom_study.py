"""The phantom study: synthetic radiographs with planted truth, made on first use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import DatasetError

from covid_xray.datasets.radiography_study import RadiographyStudyDataset
from covid_xray.phantom.plan import PhantomPlan
from covid_xray.phantom.writing import PLAN_FILE, write_phantom_study
from covid_xray.studies.study import RadiographyStudy


class PhantomStudyDataset(RadiographyStudyDataset):
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
            plan: fields of `covid_xray.phantom.plan.PhantomPlan`.
            source_names: short source names by a part of the source's URL.
            metadata: for Kedro-Viz and other plugins; not used here.

        Raises:
            DatasetError: if the plan has an unknown field or an impossible value.
        """
        super().__init__(filepath=filepath, source_names=source_names, metadata=metadata)
        self._folder = Path(filepath)
        try:
            self._plan = PhantomPlan(**(plan or {}))
        except (TypeError, ValueError) as error:
            raise DatasetError(f"The phantom study's plan is not usable: {error}.") from error

    def load(self) -> RadiographyStudy | None:
        """Open the study, writing it first if it is not there.

        Raises:
            DatasetError: if the folder holds a study of another plan.
        """
        self._write_if_absent()
        return super().load()

    def fingerprint(self) -> str:
        """As of any study; it is written first if it is not there.

        Raises:
            DatasetError: if the folder holds a study of another plan.
        """
        self._write_if_absent()
        return super().fingerprint()

    def _write_if_absent(self) -> None:
        if not self._folder.exists():
            write_phantom_study(self._folder, self._plan)
        plan_file = self._folder / PLAN_FILE
        written = json.loads(plan_file.read_text("utf-8")) if plan_file.is_file() else None
        if written != asdict(self._plan):
            raise DatasetError(
                f"{self._folder} holds another phantom study than the plan in the catalog asks "
                "for. Delete the folder to have it written anew, or give this plan another "
                "filepath."
            )

    def save(self, data: NoReturn) -> None:
        """Studies are read-only.

        Raises:
            DatasetError: always.
        """
        raise DatasetError("The phantom study writes itself from its plan; it can't be saved to.")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder), "plan": self._plan}
