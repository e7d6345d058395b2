"""Keras models on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError

from covid_xray.datasets.local import LocalDataset
from covid_xray.whole import whole_file

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
        from covid_xray.models.loading import load_model

        return load_model(self._filepath)

    def save(self, data: keras.Model) -> None:
        """Write the model beside its place, then rename."""
        with whole_file(self._filepath) as partial:
            data.save(partial)
