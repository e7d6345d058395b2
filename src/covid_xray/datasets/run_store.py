"""Runs on disk, one folder each."""

from __future__ import annotations

from typing import Any

from covid_xray.datasets.local import LocalDataset
from covid_xray.origin import Origin
from covid_xray.training.runs import KeptRuns, RunPlan, RunStore, TrainedRun


class RunStoreDataset(LocalDataset["RunPlan | TrainedRun", KeptRuns]):
    """The runs that share a trunk, each in a folder that appears whole or not at all.

    A generator node yields its plan first, and then one trained run after the other. The store
    exists when it has every run of its plan; `kedro run --only-missing-outputs` goes on with those
    that it lacks, and plain `kedro run` trains all of them anew.

    Example:
        ```yaml
        mobilenet_classifiers:
          type: covid_xray.datasets.RunStoreDataset
          filepath: data/06_models/mobilenet
        ```
        ```python
        catalog.load("mobilenet_classifiers")["covid_weight_1"]  # a Keras model
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the store's folder.

        Args:
            filepath: folder of the runs.
            metadata: for Kedro-Viz and other plugins; not used here.
        """
        super().__init__(filepath=filepath, metadata=metadata)
        self._store = RunStore(self._filepath)
        self.trains_anew = False
        self.origin: Origin | None = None

    def load(self) -> KeptRuns:
        """All runs, read when they are asked for."""
        self.check_made()
        return self._store.open()

    def save(self, data: RunPlan | TrainedRun) -> None:
        """Begin with a plan, or keep one run."""
        if isinstance(data, RunPlan):
            self._store.begin(data, anew=self.trains_anew)
        else:
            self._store.keep(data, self.origin)

    def _exists(self) -> bool:
        return self._store.is_complete()
