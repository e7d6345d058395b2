"""The catalog of a run: it knows outputs that the study can't have, and those that are stale."""

from __future__ import annotations

from typing import Any

from kedro.io import DataCatalog

from covid_xray.absence import NotMade
from covid_xray.datasets.absence import AbsenceMixin


class StudyCatalog(DataCatalog):
    """A catalog whose nodes may hand over `NotMade` instead of an output.

    Notebooks have Kedro's own catalog, for which such an output is one that can't be loaded.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Kedro's."""
        super().__init__(*args, **kwargs)
        self._stale: set[str] = set()

    def hide(self, ds_name: str) -> None:
        """Let an output count as missing until it is saved."""
        self._stale.add(ds_name)

    def exists(self, ds_name: str) -> bool:
        """Whether an output is there, or said to be what the study can't have."""
        if ds_name in self._stale:
            return False
        return self._absence(ds_name) is not None or super().exists(ds_name)

    def load(self, ds_name: str, version: str | None = None) -> Any:
        """The output, or why there is none."""
        absence = self._absence(ds_name)
        return super().load(ds_name, version) if absence is None else absence

    def save(self, ds_name: str, data: Any) -> None:
        """Save an output, or why there is none."""
        self._stale.discard(ds_name)
        dataset = self.get(ds_name)
        if not isinstance(dataset, AbsenceMixin):
            super().save(ds_name, data)
        elif isinstance(data, NotMade):
            dataset.save_not_made(data)
        else:
            dataset.forget_not_made()
            super().save(ds_name, data)

    def _absence(self, ds_name: str) -> NotMade | None:
        dataset = self.get(ds_name)
        return dataset.not_made() if isinstance(dataset, AbsenceMixin) else None
