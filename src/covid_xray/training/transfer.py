"""The runs of one backbone: the trunk passes radiographs once, each run trains the tail anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.models.backbone import Backbone
from covid_xray.models.batch_norm import calibrate_batch_norm, calibration_rows
from covid_xray.models.transfer_classifiers import (
    build_classifier,
    copy_classifier,
    count_trainable_parameters,
)
from covid_xray.models.trunk import cut_classifier, trunk_features, trunk_record
from covid_xray.records import Record
from covid_xray.split import Split
from covid_xray.studies.pixels import PixelArrays, digest_pixels, positions_in, read_batches
from covid_xray.training.activations import Activations
from covid_xray.training.batches import SplitRows
from covid_xray.training.fitting import predict_probabilities
from covid_xray.training.runs import Run, RunPlan, TrainedRun, train_runs
from covid_xray.training.settings import TransferSettings
from covid_xray.training.single_run import Fitted, Network, train_run
from covid_xray.training.tail import TailTrainer
from covid_xray.training.targets import class_names, one_hot, weights_in_order


class TransferTrainer:
    """Trains the runs of one backbone, all from the same start.

    Args:
        backbone: its cut and head.
        transfer: weights, input side and seed.
        images: the study's radiographs, uint8 (n, side, side).
        rows: row list with `array, row, label, split`: its classes are the classifier's, and
            random weights are calibrated on its training radiographs.
    """

    def __init__(
        self,
        backbone: Backbone,
        transfer: TransferSettings,
        images: NDArray[np.uint8],
        rows: pd.DataFrame,
    ) -> None:
        self._backbone, self._transfer = backbone, transfer
        self._classes = class_names(rows)
        weights = transfer.pretrained(backbone.keras_name)
        # Keras keeps the graphs of every model of the process, and grows slower with them.
        keras.utils.clear_session()
        classifier = build_classifier(
            backbone.keras_name,
            trainable_layers=backbone.trainable_layers,
            head=backbone.head,  # type: ignore[arg-type]
            n_classes=len(self._classes),
            input_side=transfer.input_side,
            weights=weights,
            seed=transfer.seed,
        )
        if weights is None:
            originals = rows[(rows["split"] == Split.TRAIN) & (rows["array"] == "images")]
            drawn = calibration_rows(originals["row"].drop_duplicates(), transfer.seed)
            calibrate_batch_norm(classifier, images[drawn])
        self._cut = cut_classifier(classifier)
        self._tail = TailTrainer(self._cut)

    def activations_record(self, arrays: PixelArrays, rows: pd.DataFrame) -> Record:
        """What the trunk's activations of a row list are made of."""
        return trunk_record(self._cut, self._transfer.feature_dtype) | {
            "images": digest_pixels(arrays, rows)
        }

    def activations(self, arrays: PixelArrays, rows: pd.DataFrame) -> Activations:
        """Pass a row list through the trunk, batch by batch.

        Args:
            arrays: the pixels that the list points into.
            rows: row list with `array, row`.

        Returns:
            Array (len(rows), features), made when it is saved, and its record.
        """
        transfer = self._transfer
        description = f"Trunk of {self._backbone.id}"
        batches = read_batches(arrays, rows, transfer.feature_batch_size, description)
        return Activations(
            self.activations_record(arrays, rows),
            trunk_features(self._cut, batches, len(rows), transfer.feature_dtype),
        )

    def train_runs(
        self, runs: Sequence[Run], activations: Activations, arrays: PixelArrays, rows: pd.DataFrame
    ) -> Iterator[RunPlan | TrainedRun]:
        """Train the runs that a store lacks, one by one, each from the same start.

        Args:
            runs: all runs of the store, on radiographs of `rows`.
            activations: what `activations` gave of these arrays and rows.
            arrays: the pixels that the list points into.
            rows: row list with `array, row`, without repetitions.

        Yields:
            What `training.runs.train_runs` yields.

        Raises:
            StaleError: if the activations are those of other images, weights or parameters.
        """
        record = self.activations_record(arrays, rows)
        features = activations.checked(record)
        yield from train_runs(
            runs,
            record=lambda run: run.record(__name__, activations=record),
            train=lambda run: self.train(run, features, rows),
        )

    def train(self, run: Run, activations: NDArray[np.generic], stored: pd.DataFrame) -> TrainedRun:
        """Train the tail on a run's training rows, and predict what it holds out.

        Args:
            run: the run.
            activations: array (n, features) of the trunk.
            stored: `array, row` of each row of `activations`.
        """
        weights = self._transfer.weights_for(self._backbone.keras_name)
        trainable = count_trainable_parameters(self._cut.whole)
        network = Network(self._backbone.id, weights, trainable)
        return train_run(run, self._classes, network, lambda: self._fit(run, activations, stored))

    def _fit(self, run: Run, activations: NDArray[np.generic], stored: pd.DataFrame) -> Fitted:
        positions, split = positions_in(stored, run.rows), run.rows["split"]
        targets = np.zeros((len(activations), len(self._classes)), np.float32)
        targets[positions] = one_hot(run.rows["label"], self._classes)
        history = self._tail.train(
            activations,
            targets=targets,
            rows=SplitRows(positions[split == Split.TRAIN], positions[split == Split.VALIDATION]),
            class_weights=weights_in_order(run.class_weights, self._classes),
            settings=run.training,
        )
        probabilities = predict_probabilities(
            self._cut.tail,
            lambda chosen: self._cut.part(activations[chosen]),
            positions[split != Split.TRAIN],
            run.training.batch_size,
        )
        return history, probabilities, copy_classifier(self._cut.whole)
