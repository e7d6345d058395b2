"""Models for devices without Keras."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from covid_xray.datasets.atomic import partial_path

if TYPE_CHECKING:
    import keras


class LiteRTModelDataset(AbstractDataset["keras.Model", bytes]):
    """A model in the LiteRT (TensorFlow Lite) format; saving takes a Keras model and converts it.

    Loading gives the file's bytes, which any LiteRT interpreter takes as `model_content`.

    Example:
        ```yaml
        lite_classifier:
          type: covid_xray.datasets.LiteRTModelDataset
          filepath: data/06_models/classifier.tflite
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the model's file.

        Args:
            filepath: path of the `.tflite` file.
            metadata: for Kedro-Viz and other plugins; not used here.
        """
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> bytes:
        """The model, for an interpreter."""
        return self._filepath.read_bytes()

    def save(self, data: keras.Model) -> None:
        """Convert the model beside its place, then rename."""
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_path(self._filepath)
        data.export(partial, format="litert", verbose=False)
        partial.replace(self._filepath)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
