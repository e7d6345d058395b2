"""The runs of whole networks on pixels: each begins anew from the start of its architecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.models.batch_norm import calibrate_batch_norm, calibration_rows
from covid_xray.models.screening_classifiers import build_screening_classifier
from covid_xray.models.settings import ScreeningNetworkSettings
from covid_xray.models.transfer_classifiers import copy_classifier, count_trainable_parameters
from covid_xray.records import Record, digest
from covid_xray.split import Split
from covid_xray.studies.pixels import PixelArrays, Pixels, digest_pixels
from covid_xray.training.balanced import train_balanced
from covid_xray.training.batches import SplitRows
from covid_xray.training.fitting import predict_probabilities, without_training
from covid_xray.training.runs import Run, RunPlan, TrainedRun, train_runs
from covid_xray.training.settings import ViewSettings
from covid_xray.training.single_run import Fitted, Network, train_run
from covid_xray.training.start import Start
from covid_xray.training.targets import class_names, one_hot


class NetworkTrainer:
    """Trains Report B's networks on balanced batches of radiographs.

    A run names its network by the fact `architecture`; its rows lie in one array. Runs of the same
    architecture and number of classes share one network, so a run's classifier has to be saved
    before the next run begins.

    Args:
        networks: the architectures.
        views: how training radiographs are turned.
        arrays: the pixels that the runs' rows point into.
    """

    def __init__(
        self, networks: ScreeningNetworkSettings, views: ViewSettings, arrays: PixelArrays
    ) -> None:
        self._networks, self._views, self._arrays = networks, views, arrays
        self._starts: dict[tuple[str, int], Start] = {}
        self._digests: dict[str, str] = {}

    def train_runs(self, runs: Sequence[Run]) -> Iterator[RunPlan | TrainedRun]:
        """Train the runs that a store lacks; yields what `training.runs.train_runs` yields."""
        yield from train_runs(runs, self.record, self.train)

    def record(self, run: Run) -> Record:
        """What a run will be made of."""
        if run.lacks:
            return run.record(__name__)
        return run.record(
            __name__,
            network=self._networks.facts_of(_architecture(run)),
            start=self._start(run).digest(),
            views=self._views,
            pixels=self._digest(run),
        )

    def train(self, run: Run) -> TrainedRun:
        """Train a network on a run's training rows, and predict what it holds out."""
        architecture = _architecture(run)
        trainable = count_trainable_parameters(self._start(run).model)
        network = Network(architecture, self._networks.weights_for(architecture), trainable)
        return train_run(run, class_names(run.rows), network, lambda: self._fit(run))

    def _fit(self, run: Run) -> Fitted:
        classes = class_names(run.rows)
        classifier, pixels = self._begin(run), self._pixels(run)

        def read(numbers: NDArray[np.intp]) -> NDArray[np.float32]:
            return as_inputs(pixels[numbers])

        targets = np.zeros((run.rows["row"].max() + 1, len(classes)), np.float32)
        targets[run.rows["row"]] = one_hot(run.rows["label"], classes)
        history = train_balanced(
            classifier,
            read,
            targets=targets,
            rows=SplitRows(_numbers(run, Split.TRAIN), _numbers(run, Split.VALIDATION)),
            views=self._views,
            settings=run.training,
        )
        held_out = run.rows.loc[run.rows["split"] != Split.TRAIN, "row"].to_numpy()
        batch_size = run.training.batch_size
        probabilities = predict_probabilities(classifier, read, held_out, batch_size)
        # Without the optimiser's state, which would be two thirds of its file.
        return history, probabilities, copy_classifier(without_training(classifier))

    def _start(self, run: Run) -> Start:
        key = _architecture(run), run.rows["label"].nunique()
        if key not in self._starts:
            # Layers are numbered from 1, whatever was built before.
            keras.utils.clear_session()
            self._starts[key] = Start(build_screening_classifier(*key, self._networks))
        return self._starts[key]

    def _begin(self, run: Run) -> keras.Model:
        """The network that a run trains, as it is before the first epoch."""
        classifier = self._start(run).again(run.training)
        if self._networks.has_random_backbone(_architecture(run)):
            drawn = calibration_rows(pd.Series(_numbers(run, Split.TRAIN)), self._networks.seed)
            calibrate_batch_norm(classifier, self._pixels(run)[drawn])
        return classifier

    def _pixels(self, run: Run) -> Pixels:
        (array,) = run.rows["array"].unique()
        return self._arrays[array]

    def _digest(self, run: Run) -> str:
        """A fingerprint of the pixels that a run sees."""
        key = digest(run.rows[["array", "row"]].to_csv().encode())
        if key not in self._digests:
            self._digests[key] = digest_pixels(self._arrays, run.rows)
        return self._digests[key]


def as_inputs(radiographs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Radiographs (k, side, side) as networks take them, (k, side, side, 1), 0-255."""
    return radiographs[..., None].astype(np.float32)


def _architecture(run: Run) -> str:
    return str(run.facts["architecture"])


def _numbers(run: Run, split: Split) -> NDArray[np.intp]:
    return run.rows.loc[run.rows["split"] == split, "row"].to_numpy()
