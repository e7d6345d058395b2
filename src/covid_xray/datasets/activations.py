"""A trunk's activations on disk."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from kedro.io import DatasetError

from covid_xray.datasets.arrays import ArrayDataset
from covid_xray.datasets.local import LocalDataset
from covid_xray.training.activations import Activations
from covid_xray.whole import whole_file, write_json

logger = logging.getLogger(__name__)


class ActivationsDataset(LocalDataset[Activations, Activations]):
    """A `.npy` file of activations, and beside it a `.json` file with the record of what made them.

    Saving activations of the same record computes nothing: they are there already.
    The `.json` file is written last, so activations without it count as missing.

    Example:
        ```yaml
        mobilenet_activations:
          type: covid_xray.datasets.ActivationsDataset
          filepath: data/05_model_input/mobilenet_activations.npy
        ```
    """

    @property
    def _record_path(self) -> Path:
        return self._filepath.with_suffix(".json")

    def load(self) -> Activations:
        """The record, and the activations as a read-only memory map."""
        self.check_made()
        try:
            record = dict(json.loads(self._record_path.read_bytes()))
        except (ValueError, TypeError) as error:
            raise DatasetError(
                f"{self._record_path} is not whole ({error}). Delete it and run again."
            ) from error
        return Activations(record, ArrayDataset(filepath=str(self._filepath)).load())

    def save(self, data: Activations) -> None:
        """Write the activations, unless those of the same key are there."""
        if self._holds(data):
            logger.info("%s is up to date: its activations are used again.", self._filepath)
            return
        # What is there stays good until its successor is whole.
        with whole_file(self._filepath) as successor:
            ArrayDataset(filepath=str(successor)).save(data.rows)
            self._record_path.unlink(missing_ok=True)
        write_json(self._record_path, data.record)

    def _holds(self, data: Activations) -> bool:
        try:
            kept = self.load()
        except DatasetError:
            return False
        return dict(kept.record) == dict(data.record) and kept.rows.shape == data.rows.shape

    def remove(self) -> None:
        """Remove both files."""
        super().remove()
        self._record_path.unlink(missing_ok=True)

    def _exists(self) -> bool:
        return self._filepath.is_file() and self._record_path.is_file()
