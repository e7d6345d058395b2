"""Votes of several models, from their predictions (Report B, section Pistes d'amélioration)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from covid_xray.evaluation.predictions import (
    predicted_classes,
    prediction_table,
    probability_column,
)


def vote_softly(*predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean probabilities of models that answer the same question.

    Raises:
        ValueError: if the models did not predict the same radiographs and classes.
    """
    classes = predicted_classes(predictions[0])
    _check_same_rows(predictions)
    columns = [probability_column(name) for name in classes]
    mean = np.mean([table[columns].to_numpy() for table in predictions], axis=0)
    return prediction_table(predictions[0], mean, classes)


def vote_one_against_rest(
    splits: pd.DataFrame, *predictions: pd.DataFrame, targets: Sequence[str]
) -> pd.DataFrame:
    """The class whose own model is surest, among models of one class against the rest each.

    Args:
        splits: where the radiographs' classes are.
        *predictions: of each model.
        targets: the class of each model.

    Returns:
        Predictions of all classes; probabilities are the models' own, divided by their sum.

    Raises:
        ValueError: if the models did not predict the same radiographs, or a class of the study
            has no model.
    """
    _check_same_rows(predictions)
    label_of = splits.set_index("image_id")["label"]
    rows = predictions[0].assign(label=predictions[0]["image_id"].map(label_of))
    lacking = sorted(set(rows["label"]) - set(targets))
    if lacking:
        raise ValueError(
            f"No model tells {', '.join(lacking)} from the rest, so four models can't vote: the "
            f"screening grid has {', '.join(targets)}."
        )
    sure = np.stack(
        [
            table[probability_column(target)].to_numpy()
            for table, target in zip(predictions, targets, strict=True)
        ],
        axis=1,
    )
    total = sure.sum(axis=1, keepdims=True)
    shares = np.divide(sure, total, out=np.full_like(sure, 1 / len(targets)), where=total > 0)
    return prediction_table(rows, shares, targets)


def _check_same_rows(predictions: Sequence[pd.DataFrame]) -> None:
    first = predictions[0][["image_id", "split"]].to_numpy()
    if not all(np.array_equal(first, t[["image_id", "split"]].to_numpy()) for t in predictions):
        raise ValueError(
            "The models that vote did not predict the same radiographs: train them again with "
            "`kedro run --pipelines screening`."
        )
