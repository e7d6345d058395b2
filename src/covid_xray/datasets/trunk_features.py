"""Cached trunk activations on disk."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from covid_xray.datasets.arrays import ArrayDataset
from covid_xray.datasets.atomic import partial_path
from covid_xray.models.feature_cache import TrunkFeatures

logger = logging.getLogger(__name__)


class TrunkFeaturesDataset(AbstractDataset[TrunkFeatures, TrunkFeatures]):
    """A `.npy` file of activations, and beside it a `.json` file that says what they belong to.

    Saving activations whose key is that of the file computes nothing: they are there already.
    The `.json` file is written last, so activations without it count as missing.

    Example:
        ```yaml
        modeling.mobilenet.trunk_features:
          type: covid_xray.datasets.TrunkFeaturesDataset
          filepath: data/05_model_input/mobilenet/trunk_features.npy
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the two files.

        Args:
            filepath: path of the `.npy` file.
            metadata: for Kedro-Viz and other plugins; not used here.
        """
        self._filepath = Path(filepath)
        self._array = ArrayDataset(filepath=filepath)
        self._key_path = self._filepath.with_suffix(".json")
        self.metadata = metadata

    def load(self) -> TrunkFeatures:
        """The key, and the activations as a read-only memory map."""
        try:
            key = dict(json.loads(self._key_path.read_bytes()))
        except (ValueError, TypeError) as error:
            raise DatasetError(
                f"{self._key_path} is not whole ({error}). Delete it and run again."
            ) from error
        return TrunkFeatures(key, self._array.load())

    def save(self, data: TrunkFeatures) -> None:
        """Write the activations, unless those of the same key are there."""
        if self._holds(data):
            logger.info("%s is up to date: its activations are used again.", self._filepath)
            return
        # What is there stays good until its successor is whole.
        successor = self._filepath.with_name(f".{self._filepath.stem}.successor.npy")
        ArrayDataset(filepath=str(successor)).save(data.rows)
        self._key_path.unlink(missing_ok=True)
        successor.replace(self._filepath)
        partial = partial_path(self._key_path)
        partial.write_text(json.dumps(dict(data.key), indent=1), "utf-8")
        partial.replace(self._key_path)

    def _holds(self, data: TrunkFeatures) -> bool:
        if not self._exists():
            return False
        try:
            kept = self.load()
        except DatasetError:
            return False
        return dict(kept.key) == dict(data.key) and kept.rows.shape == data.rows.shape

    def _exists(self) -> bool:
        return self._filepath.is_file() and self._key_path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
