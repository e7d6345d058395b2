"""Nodes that carry out Report B's ideas: features under classical classifiers."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import prediction_table
from covid_xray.imaging.arrays import RowStream, row_batches
from covid_xray.training.targets import class_names
from covid_xray.pipelines.screening.grid import CLASSICAL, COVID
from covid_xray.pipelines.screening.parameters import ScreeningParameters
from covid_xray.pipelines.screening.questions import rows_of_question
from covid_xray.pipelines.screening.training import reader
from covid_xray.split import Split
from covid_xray.studies.pixels import MaskedImages

Images = NDArray[np.uint8]
KerasModel: TypeAlias = Any


def extract_convolution_features(
    equalised_images: Images,
    predicted_masks: Images,
    screening: ScreeningParameters,
    *classifiers: KerasModel,
) -> RowStream:
    """What the last convolutions of several classifiers find in each radiograph's lungs.

    Returns:
        float32 array (n, features), in the index's order: the pooled filters of all classifiers.
    """
    from covid_xray.training.classical import convolution_features

    models = [convolution_features(classifier) for classifier in classifiers]
    read = reader(MaskedImages(equalised_images, predicted_masks))
    size = screening.training.xception.batch_size
    batches = row_batches(np.arange(len(equalised_images)), size, "Features of convolutions")
    found = (
        np.concatenate([model.predict_on_batch(read(rows)) for model in models], axis=1)
        for rows in batches
    )
    width = sum(model.output.shape[-1] for model in models)
    return RowStream((len(equalised_images), width), np.float32, found)


def fit_classical_classifiers(
    convolution_features: NDArray[np.float32], splits: pd.DataFrame, screening: ScreeningParameters
) -> tuple[Any, ...]:
    """Fit scikit-learn's classifiers to the training radiographs' features.

    Returns:
        The fitted classifiers by name, then the predictions of each, in the order of `CLASSICAL`.
    """
    from covid_xray.training.classical import classical_classifiers, probabilities_in_order

    rows = rows_of_question(splits, COVID)
    classes = class_names(rows)
    training, held_out = (rows[(rows["split"] == Split.TRAIN) == part] for part in (True, False))
    fitted = classical_classifiers(screening.seed)
    predictions = []
    for name in CLASSICAL:
        fitted[name].fit(convolution_features[training["row"]], training["label"].to_numpy(str))
        features = convolution_features[held_out["row"]]
        probabilities = probabilities_in_order(fitted[name], features, classes)
        predictions.append(prediction_table(held_out, probabilities, classes))
    return fitted, *predictions
