"""Nodes that train one classifier. Keras is imported where a node needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import prediction_table
from covid_xray.training.targets import class_names, one_hot
from covid_xray.pipelines.modeling.transfer import calibration_rows, training_summary
from covid_xray.pipelines.screening.grid import ScreeningModel
from covid_xray.pipelines.screening.parameters import ScreeningParameters
from covid_xray.pipelines.screening.questions import rows_of_question
from covid_xray.split import Split
from covid_xray.studies.pixels import MaskedImages

Images = NDArray[np.uint8]
KerasModel: TypeAlias = Any
Trained = tuple[KerasModel, pd.DataFrame, dict[str, Any], pd.DataFrame]


def train_on_lungs(
    equalised_images: Images,
    predicted_masks: Images,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
    model: ScreeningModel,
) -> Trained:
    """Train a classifier on equalised lungs, all else black, and predict what was held out.

    Returns:
        The classifier with the best validation loss, its history by epoch, its summary, and its
        predictions of validation and test radiographs.
    """
    return _train(MaskedImages(equalised_images, predicted_masks), splits, screening, model)


def train_on_radiographs(
    images: Images, splits: pd.DataFrame, screening: ScreeningParameters, model: ScreeningModel
) -> Trained:
    """Train a naive classifier on radiographs as they came; see `train_on_lungs`."""
    return _train(images, splits, screening, model)


def _train(
    pixels: Images | MaskedImages,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
    model: ScreeningModel,
) -> Trained:
    from covid_xray.training.balanced import train_balanced
    from covid_xray.training.fitting import predict_probabilities

    rows = rows_of_question(splits, model.target)
    classes = class_names(rows)
    settings = screening.training.of(model.architecture)
    classifier = _new_classifier(pixels, rows, screening, model)
    targets = np.zeros((len(splits), len(classes)), np.float32)
    targets[rows["row"]] = one_hot(rows["label"], classes)
    history = train_balanced(
        classifier,
        reader(pixels),
        targets=targets,
        train_rows=_numbers(rows, Split.TRAIN),
        validation_rows=_numbers(rows, Split.VALIDATION),
        views=screening.views,
        settings=settings,
    )
    held_out = rows[rows["split"] != Split.TRAIN]
    probabilities = predict_probabilities(
        classifier, reader(pixels), held_out["row"].to_numpy(), settings.batch_size
    )
    summary = _summarise(classifier, rows, history, screening, model)
    return classifier, history, summary, prediction_table(held_out, probabilities, classes)


def reader(pixels: Images | MaskedImages) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
    """What classifiers take, float32 (k, side, side, 1), for k row numbers."""
    return lambda numbers: pixels[numbers][..., None].astype(np.float32)


def _numbers(rows: pd.DataFrame, split: Split) -> NDArray[np.intp]:
    return rows.loc[rows["split"] == split, "row"].to_numpy()


def _new_classifier(
    pixels: Images | MaskedImages,
    rows: pd.DataFrame,
    screening: ScreeningParameters,
    model: ScreeningModel,
) -> KerasModel:
    import keras

    from covid_xray.models.backbones import calibrate_batch_norm
    from covid_xray.models.screening_classifiers import (
        build_separable_cnn,
        build_truncated_backbone,
    )

    # Keras keeps the graphs of every model of the run, and grows slower and larger with them.
    keras.utils.clear_session()
    sizes = {"n_classes": rows["label"].nunique(), "input_side": screening.input_side}
    if model.architecture == "cnn":
        return build_separable_cnn(screening.cnn, **sizes, seed=screening.seed)
    classifier = build_truncated_backbone(
        screening.xception, **sizes, weights=screening.pretrained, seed=screening.seed
    )
    if screening.pretrained is None:
        training = rows.loc[rows["split"] == Split.TRAIN, "row"]
        calibrate_batch_norm(classifier, pixels[calibration_rows(training, screening.seed)])
    return classifier


def _summarise(
    classifier: KerasModel,
    rows: pd.DataFrame,
    history: pd.DataFrame,
    screening: ScreeningParameters,
    model: ScreeningModel,
) -> dict[str, Any]:
    weights = screening.weights if model.architecture == "xception" else "none"
    what = {"architecture": classifier.name, "target": model.target, "masked": model.masked}
    return what | {"weights": weights} | training_summary(classifier, rows, history)


def assemble_screening_model(
    classifier: KerasModel, unet: KerasModel, screening: ScreeningParameters
) -> KerasModel:
    """What is deployed: a radiograph as it came goes in, its lungs are found and equalised inside.

    Returns:
        A model from grey radiographs (n, side, side, 1), 0-255, to class probabilities.
    """
    from covid_xray.models.lung_extraction import build_screening_model

    return build_screening_model(classifier, unet, screening.equalisation)
