"""Votes of several networks, from their predictions (Report B, section Pistes d'amélioration)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from covid_xray.evaluation.predictions import (
    predicted_classes,
    prediction_table,
    probability_column,
    rows_by_run,
)


def vote_softly(predictions: pd.DataFrame, runs: Sequence[str]) -> pd.DataFrame:
    """Mean probabilities of runs that answer the same question.

    Args:
        predictions: of many runs: `run, image_id, split, label, predicted` and probabilities.
        runs: names of those that vote.

    Returns:
        Predictions of the vote.

    Raises:
        ValueError: if the runs did not predict the same radiographs.
    """
    tables = _tables_of(predictions, runs)
    classes = predicted_classes(tables[0])
    columns = [probability_column(name) for name in classes]
    mean = np.mean([table[columns].to_numpy() for table in tables], axis=0)
    return prediction_table(tables[0], mean, classes)


def vote_one_against_rest(
    predictions: pd.DataFrame, targets: Mapping[str, str], labels: pd.Series
) -> pd.DataFrame:
    """The class whose own run is surest, among runs of one class against the rest each.

    Args:
        predictions: of many runs: `run, image_id, split, label, predicted` and probabilities.
        targets: the class of each run that votes.
        labels: the study's class of each radiograph, by `image_id`.

    Returns:
        Predictions of all classes; probabilities are the runs' own, divided by their sum.

    Raises:
        ValueError: if the runs did not predict the same radiographs, or a class of the study has
            no run.
    """
    tables = _tables_of(predictions, list(targets))
    classes = list(targets.values())
    rows = tables[0].assign(label=tables[0]["image_id"].map(labels))
    lacking = sorted(set(rows["label"]) - set(classes))
    if lacking:
        raise ValueError(
            f"No model tells {', '.join(lacking)} from the rest, so there is no vote on them: "
            f"models were trained of {', '.join(classes)}."
        )
    columns = [probability_column(name) for name in classes]
    own = zip(tables, columns, strict=True)
    sure = np.stack([table[column].to_numpy() for table, column in own], axis=1)
    total = sure.sum(axis=1, keepdims=True)
    shares = np.divide(sure, total, out=np.full_like(sure, 1 / len(classes)), where=total > 0)
    return prediction_table(rows, shares, classes)


def _tables_of(predictions: pd.DataFrame, runs: Sequence[str]) -> list[pd.DataFrame]:
    tables = list(rows_by_run(predictions, runs).values())
    first = tables[0][["image_id", "split"]].to_numpy()
    if not all(np.array_equal(first, t[["image_id", "split"]].to_numpy()) for t in tables):
        raise ValueError(
            f"The models that vote ({', '.join(runs)}) did not predict the same radiographs: train "
            "them again with `kedro run --pipeline screening`."
        )
    return tables
