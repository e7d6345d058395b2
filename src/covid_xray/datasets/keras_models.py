"""Folders of Keras models on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from covid_xray.datasets.atomic import partial_path
from covid_xray.datasets.keras_model import KerasModelDataset

if TYPE_CHECKING:
    import keras


class KerasModelsDataset(AbstractDataset["Mapping[str, keras.Model]", "Mapping[str, keras.Model]"]):
    """A folder of models as `.keras` files, each of which is whole or not there at all.

    A list of their names is written last: the folder exists when every listed model does. Loading
    gives a read-only mapping that reads a model when it is asked for.

    Example:
        ```yaml
        screening_models:
          type: covid_xray.datasets.KerasModelsDataset
          filepath: data/06_models/screening_models
        ```
        ```python
        catalog.load("screening_models")["cnn"]  # a Keras model
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the folder.

        Args:
            filepath: folder of the `.keras` files.
            metadata: for Kedro-Viz and other plugins; not used here.
        """
        self._folder = Path(filepath)
        self._list = self._folder / "models.json"
        self.metadata = metadata

    def load(self) -> Mapping[str, keras.Model]:
        """The models by name, each read when it is asked for."""
        return _KeptModels(self._folder, json.loads(self._list.read_text("utf-8")))

    def save(self, data: Mapping[str, keras.Model]) -> None:
        """Write each model beside its place, then rename; others in the folder are removed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._list.unlink(missing_ok=True)
        for path in self._folder.glob("*.keras"):
            if path.stem not in data:
                path.unlink()
        for name in data:
            _dataset(self._folder, name).save(data[name])
        partial = partial_path(self._list)
        partial.write_text(json.dumps(list(data)), "utf-8")
        partial.replace(self._list)

    def _exists(self) -> bool:
        if not self._list.is_file():
            return False
        return all(_dataset(self._folder, name).exists() for name in self.load())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}


class _KeptModels(Mapping[str, Any]):
    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, list(names)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(f"No model '{name}'; there are {', '.join(self)}.")
        return _dataset(self._folder, name).load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _dataset(folder: Path, name: str) -> KerasModelDataset:
    return KerasModelDataset(filepath=str(folder / f"{name}.keras"))
