"""Models for devices without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from covid_xray.datasets.local import LocalDataset
from covid_xray.origin import Origin
from covid_xray.whole import whole_folder, write_json

if TYPE_CHECKING:
    import keras


class LiteRTModelsDataset(LocalDataset["Mapping[str, keras.Model]", dict[str, bytes]]):
    """A folder of models in the LiteRT (TensorFlow Lite) format, converted when they are saved.

    Loading gives each file's bytes by name, which any LiteRT interpreter takes as
    `model_content`.

    Example:
        ```yaml
        mobilenet_lite_models:
          type: covid_xray.datasets.LiteRTModelsDataset
          filepath: data/06_models/mobilenet_lite
        ```
    """

    origin: Origin | None = None

    def load(self) -> dict[str, bytes]:
        """The models by name, for an interpreter."""
        self.check_made()
        return {path.stem: path.read_bytes() for path in sorted(self._filepath.glob("*.tflite"))}

    def save(self, data: Mapping[str, keras.Model]) -> None:
        """Convert every model; the folder appears whole or not at all."""
        with whole_folder(self._filepath) as partial:
            for name, model in data.items():
                model.export(partial / f"{name}.tflite", format="litert", verbose=False)
            write_json(partial / "origin.json", self.origin or {})
