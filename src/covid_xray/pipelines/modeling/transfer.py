"""Nodes that train a transfer classifier. Keras is imported where a node needs it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import prediction_table
from covid_xray.records import digest
from covid_xray.models.feature_cache import TrunkFeatures
from covid_xray.models.settings import TrainingSettings
from covid_xray.pipelines.modeling.parameters import BackboneParameters, TransferParameters
from covid_xray.training.targets import (
    class_names,
    one_hot,
    weights_in_order,
)
from covid_xray.split import Split
from covid_xray.studies.pixels import PixelArrays, digest_pixels, read_batches
from covid_xray.studies.variants import select_variant

if TYPE_CHECKING:
    from covid_xray.models.trunk import CutClassifier
    from covid_xray.training.fitting import TailTrainer

Images = NDArray[np.uint8]
# A keras.Model. Kedro resolves a node's hints to validate its parameters, and naming the class
# here would load TensorFlow with the list of pipelines.
KerasModel: TypeAlias = Any
_CALIBRATION_IMAGES = 64


def extract_trunk_features(
    images: Images,
    augmented_images: Images,
    study_variants: pd.DataFrame,
    transfer: TransferParameters,
    backbone: BackboneParameters,
) -> TrunkFeatures:
    """Pass the variant's rows once through the frozen trunk.

    Returns:
        Row i holds the activations at the cut for row i of the variant.
    """
    rows = select_variant(study_variants, transfer.variant)
    cut = initial_cut(images, rows, backbone, transfer)
    arrays = {"images": images, "augmented_images": augmented_images}
    return features_of(cut, arrays, rows, transfer)


def train_classifier(
    images: Images,
    augmented_images: Images,
    study_variants: pd.DataFrame,
    trunk_features: TrunkFeatures,
    transfer: TransferParameters,
    training: TrainingSettings,
    class_weights: dict[str, float],
    backbone: BackboneParameters,
) -> tuple[KerasModel, pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Train the tail on cached features, the loss weighted by class, and predict what was held out.

    Returns:
        The classifier with the best validation loss, its history by epoch, its summary, and its
        predictions of validation and test radiographs.

    Raises:
        StaleFeaturesError: if the features are those of other images, weights or parameters.
    """
    from covid_xray.models.backbones import copy_classifier

    rows = select_variant(study_variants, transfer.variant)
    trainer = trainer_of(images, rows, backbone, transfer)
    cut = trainer.cut
    features = checked_features(cut, images, augmented_images, rows, trunk_features, transfer)
    every = np.arange(len(rows))
    history = train_on_rows(trainer, features, rows, every, training, class_weights)
    summary = summarise(cut, rows, history, class_weights)
    weights = transfer.weights_for(backbone.architecture)
    summary |= {"variant": transfer.variant, "weights": weights}
    predictions = predict_rows(cut, features, rows, every, training.batch_size)
    return copy_classifier(cut.whole), history, summary, predictions


def initial_cut(
    images: Images, rows: pd.DataFrame, backbone: BackboneParameters, transfer: TransferParameters
) -> CutClassifier:
    """The untrained classifier that every class weight starts from, cut.

    Args:
        images: the study's radiographs, uint8 (n, side, side).
        rows: row list with `array, row, label, split`; random weights are calibrated on its
            training radiographs.
        backbone: architecture, cut and head.
        transfer: weights, input side and seed.
    """
    import keras

    from covid_xray.models.backbones import build_classifier, calibrate_batch_norm
    from covid_xray.models.trunk import cut_classifier

    # Keras keeps the graphs of every model of the run, and grows slower and larger with them.
    keras.utils.clear_session()
    classifier = build_classifier(
        backbone.architecture,
        trainable_layers=backbone.trainable_layers,
        head=backbone.head,  # type: ignore[arg-type]
        n_classes=rows["label"].nunique(),
        input_side=transfer.input_side,
        weights=transfer.pretrained(backbone.architecture),
        seed=transfer.seed,
    )
    if transfer.pretrained(backbone.architecture) is None:
        calibrate_batch_norm(classifier, images[_calibration_originals(rows, transfer)])
    return cut_classifier(classifier)


def _calibration_originals(rows: pd.DataFrame, transfer: TransferParameters) -> NDArray[np.intp]:
    originals = rows[(rows["split"] == Split.TRAIN) & (rows["array"] == "images")]
    return calibration_rows(originals["row"].drop_duplicates(), transfer.seed)


def calibration_rows(training: pd.Series, seed: int) -> NDArray[np.intp]:
    """A few training radiographs, ascending, to calibrate random weights on.

    Args:
        training: row numbers of training radiographs.
        seed: seed of the draw.
    """
    drawn = training.sample(min(_CALIBRATION_IMAGES, len(training)), random_state=seed)
    return np.sort(drawn.to_numpy())


class _LastTrainer(threading.local):
    """The trainer that a thread used last: the next class weight starts from the same one."""

    key: str = ""
    trainer: TailTrainer


_last = _LastTrainer()


def trainer_of(
    images: Images, rows: pd.DataFrame, backbone: BackboneParameters, transfer: TransferParameters
) -> TailTrainer:
    """A trainer of `initial_cut`, built and compiled once for all class weights in a row.

    It starts each training from the same weights, and no classifier that it trained is handed out
    without being copied, so nothing but time depends on whether there was one.
    """
    from covid_xray.training.fitting import TailTrainer

    key = _trainer_key(images, rows, backbone, transfer)
    if _last.key != key:
        _last.key = ""
        _last.trainer = TailTrainer(initial_cut(images, rows, backbone, transfer))
        _last.key = key
    return _last.trainer


def _trainer_key(
    images: Images, rows: pd.DataFrame, backbone: BackboneParameters, transfer: TransferParameters
) -> str:
    from covid_xray.models.backbones import weights_file

    facts = [backbone.model_dump_json(), transfer.model_dump_json(), str(class_names(rows))]
    source = transfer.weights_for(backbone.architecture)
    if source not in ("none", "imagenet"):
        path = weights_file(backbone.architecture, Path(source))
        facts.append(str((path.stat().st_size, path.stat().st_mtime_ns) if path.exists() else path))
    return digest(
        *(fact.encode() for fact in facts), images[_calibration_originals(rows, transfer)]
    )


def features_key(
    cut: CutClassifier, arrays: PixelArrays, rows: pd.DataFrame, transfer: TransferParameters
) -> dict[str, str | int]:
    """What the activations of a row list depend on."""
    from covid_xray.models.trunk import trunk_key

    return trunk_key(cut, transfer.feature_dtype) | {"images": digest_pixels(arrays, rows)}


def checked_features(
    cut: CutClassifier,
    images: Images,
    augmented_images: Images,
    rows: pd.DataFrame,
    trunk_features: TrunkFeatures,
    transfer: TransferParameters,
) -> NDArray[np.generic]:
    """The cached activations of a variant's rows.

    Raises:
        StaleFeaturesError: if they are those of other images, weights or parameters.
    """
    arrays = {"images": images, "augmented_images": augmented_images}
    return trunk_features.checked(features_key(cut, arrays, rows, transfer))


def features_of(
    cut: CutClassifier, arrays: PixelArrays, rows: pd.DataFrame, transfer: TransferParameters
) -> TrunkFeatures:
    """The activations of a row list, to be computed when they are saved."""
    from covid_xray.models.trunk import trunk_features

    description = f"Trunk of {cut.whole.name}"
    batches = read_batches(arrays, rows, transfer.feature_batch_size, description)
    return TrunkFeatures(
        features_key(cut, arrays, rows, transfer),
        trunk_features(cut, batches, len(rows), transfer.feature_dtype),
    )


def train_on_rows(
    trainer: TailTrainer,
    features: NDArray[np.generic],
    rows: pd.DataFrame,
    positions: NDArray[np.intp],
    training: TrainingSettings,
    class_weights: dict[str, float],
) -> pd.DataFrame:
    """Train the tail, in place, on the training rows of a list.

    Args:
        trainer: trainer of the classifier's tail.
        features: array (n, features) of activations at the cut.
        rows: row list with `label, split`.
        positions: row of `features` for each row of the list.
        training: hyper-parameters.
        class_weights: weight of each class in the loss; those left out weigh 1.

    Returns:
        The history by epoch.
    """
    classes = class_names(rows)
    targets = np.zeros((len(features), len(classes)), np.float32)
    targets[positions] = one_hot(rows["label"], classes)
    return trainer.train(
        features,
        targets=targets,
        train_rows=positions[rows["split"] == Split.TRAIN],
        validation_rows=positions[rows["split"] == Split.VALIDATION],
        class_weights=weights_in_order(class_weights, classes),
        settings=training,
    )


def predict_rows(
    cut: CutClassifier,
    features: NDArray[np.generic],
    rows: pd.DataFrame,
    positions: NDArray[np.intp],
    batch_size: int,
) -> pd.DataFrame:
    """Predictions of the held-out rows of a list, as a table."""
    from covid_xray.training.fitting import predict_probabilities

    held_out = (rows["split"] != Split.TRAIN).to_numpy()
    probabilities = predict_probabilities(
        cut.tail, lambda chosen: cut.part(features[chosen]), positions[held_out], batch_size
    )
    return prediction_table(rows[held_out], probabilities, class_names(rows))


def summarise(
    cut: CutClassifier,
    rows: pd.DataFrame,
    history: pd.DataFrame,
    class_weights: dict[str, float],
) -> dict[str, Any]:
    """What identifies a trained classifier in the tables."""
    what = {"backbone": cut.whole.name, "class_weights": class_weights}
    return what | training_summary(cut.whole, rows, history)


def training_summary(
    classifier: KerasModel, rows: pd.DataFrame, history: pd.DataFrame
) -> dict[str, Any]:
    """What every training tells of itself: classes, sizes and epochs.

    Args:
        classifier: the trained classifier.
        rows: row list with `label, split`.
        history: history by epoch.
    """
    from covid_xray.models.backbones import count_trainable_parameters

    return {
        "classes": class_names(rows),
        "trainable_params": count_trainable_parameters(classifier),
        "n_train": int((rows["split"] == Split.TRAIN).sum()),
        "best_epoch": int(history["val_loss"].to_numpy().argmin()),
        "epochs_run": len(history),
    }
