"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream
from covid_xray.models.settings import TrainingSettings
from covid_xray.pipelines.modeling.parameters import (
    BackboneParameters,
    TransferParameters,
)
from covid_xray.studies.splits import Split
from covid_xray.studies.variants import select_variant

Images = NDArray[np.uint8]
# A keras.Model. Kedro resolves a node's hints to validate its parameters, and naming the class
# here would load TensorFlow with the list of pipelines.
KerasModel: TypeAlias = Any
_CALIBRATION_IMAGES = 64


def build_initial_classifier(
    images: Images,
    study_variants: pd.DataFrame,
    backbone: BackboneParameters,
    transfer: TransferParameters,
) -> KerasModel:
    """Build the untrained classifier that every class weight starts from.

    Returns:
        A Keras model from grey radiographs to class probabilities.
    """
    from covid_xray.models.backbones import build_classifier, calibrate_batch_norm

    rows = select_variant(study_variants, transfer.variant)
    classifier = build_classifier(
        backbone.architecture,
        trainable_layers=backbone.trainable_layers,
        head=backbone.head,  # type: ignore[arg-type]
        n_classes=rows["label"].nunique(),
        input_side=transfer.input_side,
        weights=transfer.pretrained,
        seed=transfer.seed,
    )
    if transfer.pretrained is None:
        originals = rows[(rows["split"] == Split.TRAIN) & (rows["array"] == "images")]
        drawn = originals.sample(
            min(_CALIBRATION_IMAGES, len(originals)), random_state=transfer.seed
        )
        calibrate_batch_norm(classifier, images[np.sort(drawn["row"].to_numpy())])
    return classifier


def extract_trunk_features(
    initial_classifier: KerasModel,
    images: Images,
    augmented_images: Images,
    study_variants: pd.DataFrame,
    transfer: TransferParameters,
) -> RowStream:
    """Pass the variant's rows once through the frozen trunk.

    Returns:
        Row i holds the activations at the cut for row i of the variant.
    """
    from covid_xray.models.trunk import cut_classifier, trunk_features

    rows = select_variant(study_variants, transfer.variant)
    return trunk_features(
        cut_classifier(initial_classifier),
        images,
        augmented_images,
        (rows["array"] == "augmented_images").to_numpy(),
        rows["row"].to_numpy(),
        batch_size=transfer.feature_batch_size,
        dtype=transfer.feature_dtype,
    )


def train_classifier(
    initial_classifier: KerasModel,
    trunk_features: NDArray[np.generic],
    study_variants: pd.DataFrame,
    transfer: TransferParameters,
    training: TrainingSettings,
    class_weights: dict[str, float],
) -> tuple[KerasModel, pd.DataFrame, dict[str, Any]]:
    """Train the tail on cached features, the loss weighted by class.

    Returns:
        The classifier with the best validation loss, its history by epoch, and its summary.
    """
    from covid_xray.models.backbones import count_trainable_parameters
    from covid_xray.models.training import train_tail
    from covid_xray.models.trunk import cut_classifier

    rows = select_variant(study_variants, transfer.variant)
    classes = class_names(rows)
    split = rows["split"]
    history = train_tail(
        cut_classifier(initial_classifier),
        trunk_features,
        targets=one_hot(rows["label"], classes),
        train_rows=np.flatnonzero(split == Split.TRAIN),
        validation_rows=np.flatnonzero(split == Split.VALIDATION),
        class_weights=weights_in_order(class_weights, classes),
        settings=training,
    )
    summary = {
        "backbone": initial_classifier.name,
        "class_weights": class_weights,
        "classes": classes,
        "variant": transfer.variant,
        "weights": transfer.weights,
        "trainable_params": count_trainable_parameters(initial_classifier),
        "n_train": int((split == Split.TRAIN).sum()),
        "best_epoch": int(history["val_loss"].to_numpy().argmin()),
        "epochs_run": len(history),
    }
    return initial_classifier, history, summary


def predict_held_out(
    classifier: KerasModel,
    trunk_features: NDArray[np.generic],
    study_variants: pd.DataFrame,
    transfer: TransferParameters,
    training: TrainingSettings,
) -> pd.DataFrame:
    """Predict the variant's validation and test radiographs.

    Returns:
        `image_id, split, label, predicted`, and `probability_<class>` for each class.
    """
    from covid_xray.models.training import predict_probabilities
    from covid_xray.models.trunk import cut_classifier

    rows = select_variant(study_variants, transfer.variant)
    classes = class_names(rows)
    held_out = np.flatnonzero(rows["split"] != Split.TRAIN)
    probabilities = predict_probabilities(
        cut_classifier(classifier), trunk_features, held_out, training.batch_size
    )
    table = rows.iloc[held_out][["image_id", "split", "label"]].reset_index(drop=True)
    table["predicted"] = np.array(classes)[probabilities.argmax(axis=1)]
    return table.assign(
        **{f"probability_{name}": probabilities[:, i] for i, name in enumerate(classes)}
    )


def class_names(rows: pd.DataFrame) -> list[str]:
    """The classes of a row list, in the order of the model's outputs."""
    return sorted(rows["label"].unique())


def one_hot(labels: pd.Series, classes: list[str]) -> NDArray[np.float32]:
    """Labels as a float32 array (n, n_classes)."""
    codes = pd.Categorical(labels, categories=classes).codes
    targets: NDArray[np.float32] = np.eye(len(classes), dtype=np.float32)[codes]
    return targets


def weights_in_order(weights: dict[str, float], classes: list[str]) -> list[float]:
    """Weight of each class, 1 where none is given.

    Raises:
        ValueError: if a weight is not a positive number, or is given to a class that the study
            does not have.
    """
    for name, weight in weights.items():
        if not isinstance(weight, int | float) or weight <= 0:
            raise ValueError(f"modeling.class_weights: {name} weighs {weight!r}, not above 0.")
    unknown = sorted(set(weights) - set(classes))
    if unknown:
        raise ValueError(
            f"modeling.class_weights names {unknown}, but the study's classes are {classes}."
        )
    return [weights.get(name, 1.0) for name in classes]
