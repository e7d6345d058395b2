"""Keras models on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError

from covid_xray.datasets.local import LocalDataset
from covid_xray.origin import Origin, stamp_model
from covid_xray.whole import whole_file, whole_folder

if TYPE_CHECKING:
    import keras


class KerasModelDataset(LocalDataset["keras.Model", "keras.Model"]):
    """A model in Keras's own `.keras` format, for any Keras backend.

    Unlike `tensorflow.TensorFlowModelDataset` it needs no TensorFlow, imports Keras only when a
    model is loaded or saved, and its file appears whole or not at all. Keras's safe mode stays
    on: a model file can't bring code of its own, and knows no layers but Keras's and ours.

    Example:
        ```yaml
        classifier:
          type: covid_xray.datasets.KerasModelDataset
          filepath: data/06_models/classifier.keras
        ```
    """

    origin: Origin | None = None

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the model's file.

        Args:
            filepath: path of the `.keras` file.
            metadata: for Kedro-Viz and other plugins; not used here.
        """
        if not filepath.endswith(".keras"):
            raise DatasetError(f"filepath is {filepath}: Keras models are saved as .keras files")
        super().__init__(filepath=filepath, metadata=metadata)

    def load(self) -> keras.Model:
        """The model, as it was saved."""
        self.check_made()
        from covid_xray.models.loading import load_model

        return load_model(self._filepath)

    def save(self, data: keras.Model) -> None:
        """Write the model beside its place, then rename."""
        with whole_file(self._filepath) as partial:
            data.save(partial)
            stamp_model(partial, self.origin)


class KerasModelsDataset(LocalDataset["Mapping[str, keras.Model]", "Mapping[str, keras.Model]"]):
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

    origin: Origin | None = None

    def load(self) -> Mapping[str, keras.Model]:
        """The models by name, each read when it is asked for."""
        self.check_made()
        return _KeptModels(self._filepath)

    def save(self, data: Mapping[str, keras.Model]) -> None:
        """Write every model; the folder appears whole or not at all."""
        with whole_folder(self._filepath) as partial:
            for name, model in data.items():
                model.save(partial / f"{name}.keras")
                stamp_model(partial / f"{name}.keras", self.origin)


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
