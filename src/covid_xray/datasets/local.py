"""What our own datasets share: one file or folder on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, TypeVar

from kedro.io import AbstractDataset

from covid_xray.datasets.absence import AbsenceMixin

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class LocalDataset(AbsenceMixin, AbstractDataset[Saved, Loaded], Generic[Saved, Loaded]):
    """A dataset that is there when its file or folder is."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the file or folder.

        Args:
            filepath: its path.
            metadata: for Kedro-Viz and other plugins; not used here.
        """
        self._filepath: Path = Path(filepath)
        self.metadata = metadata

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
