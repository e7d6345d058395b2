"""One run, whatever trains it: what it tells of itself, and what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import prediction_table
from covid_xray.split import Split
from covid_xray.training.runs import Run, TrainedRun

Fitted = tuple[pd.DataFrame, NDArray[np.float32], Any]
"""A history, class probabilities of the held-out rows in their order, and the classifier."""

_PREDICTED = ["image_id", "group_id", "split", "label", "predicted"]


class Network(NamedTuple):
    """What a run trains.

    Attributes:
        backbone: its name in the table of runs.
        weights: where its pre-trained weights come from; `none` for random ones.
        trainable_params: number of trainable weights, as Table 5 counts them.
    """

    backbone: str
    weights: str
    trainable_params: int


def train_run(
    run: Run, classes: Sequence[str], network: Network, fit: Callable[[], Fitted]
) -> TrainedRun:
    """Train a run, unless a split lacks a class: then its row has a note, and no table a row.

    Args:
        run: the run.
        classes: in the order of the model's outputs.
        network: what it trains.
        fit: trains the network and predicts what the run holds out.
    """
    note = _why_untrainable(run.rows, classes)
    if note:
        history, predictions = pd.DataFrame(columns=["epoch"]), pd.DataFrame(columns=_PREDICTED)
        return TrainedRun(run.name, _row(run, network, history, note), history, predictions, None)
    history, probabilities, classifier = fit()
    held_out = run.rows[run.rows["split"] != Split.TRAIN]
    predictions = prediction_table(held_out, probabilities, classes)
    return TrainedRun(run.name, _row(run, network, history), history, predictions, classifier)


def _row(run: Run, network: Network, history: pd.DataFrame, note: str = "") -> dict[str, object]:
    losses = pd.Series([], dtype=float) if note else history["val_loss"]
    note = note or ("" if losses.notna().any() else "diverged: no epoch has a validation loss")
    sizes = {f"n_{split}": int((run.rows["split"] == split).sum()) for split in Split}
    return {
        "backbone": network.backbone,
        "run": run.name,
        **run.setting(),
        "weights": network.weights,
        **(sizes if len(history) else sizes | {"n_train": 0}),
        "trainable_params": network.trainable_params,
        "best_epoch": int(np.nanargmin(losses)) if losses.notna().any() else None,
        "epochs_run": len(history),
        "note": note,
    }


def _why_untrainable(rows: pd.DataFrame, classes: Sequence[str]) -> str:
    for split in Split:
        lacking = sorted(set(classes) - set(rows.loc[rows["split"] == split, "label"]))
        if lacking:
            return f"not trained: no {split} radiograph of {', '.join(lacking)}"
    return ""
