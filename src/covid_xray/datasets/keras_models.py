"""Folders of Keras models on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from covid_xray.datasets.keras_model import KerasModelDataset
from covid_xray.whole import whole_folder

if TYPE_CHECKING:
    import keras


class KerasModelsDataset(AbstractDataset["Mapping[str, keras.Model]", "Mapping[str, keras.Model]"]):
    """A folder of models as `.keras` files, that appears whole or not at all.

    Loading gives a read-only mapping that reads a model when it is asked for.

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
        self.metadata = metadata

    def load(self) -> Mapping[str, keras.Model]:
        """The models by name, each read when it is asked for."""
        return _KeptModels(self._folder)

    def save(self, data: Mapping[str, keras.Model]) -> None:
        """Write every model; the folder appears whole or not at all."""
        with whole_folder(self._folder) as partial:
            for name, model in data.items():
                model.save(partial / f"{name}.keras")

    def _exists(self) -> bool:
        return self._folder.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}


class _KeptModels(Mapping[str, Any]):
    def __init__(self, folder: Path) -> None:
        self._paths = {path.stem: path for path in sorted(folder.glob("*.keras"))}

    def __getitem__(self, name: str) -> Any:
        if name not in self._paths:
            raise KeyError(f"No model '{name}'; there are {', '.join(self)}.")
        return KerasModelDataset(filepath=str(self._paths[name])).load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
