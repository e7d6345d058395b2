"""One run, whatever trains it: what it tells of itself, and what it predicts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import prediction_table
from covid_xray.split import Split
from covid_xray.training.runs import Run, TrainedRun

logger = logging.getLogger(__name__)

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
    """Train a run, if that can be done: or else its row has a note, and no other table a row.

    It can't where a split lacks a class, or where the run weighs a class that the study lacks. A
    weight of 1 is what every class has.

    Args:
        run: the run.
        classes: in the order of the model's outputs.
        network: what it trains.
        fit: trains the network and predicts what the run holds out.
    """
    note = _why_untrainable(run, classes)
    if note:
        logger.warning("Run %s of %s is %s", run.name, network.backbone, note)
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


def _why_untrainable(run: Run, classes: Sequence[str]) -> str:
    if run.lacks:
        return f"not trained: {run.lacks}"
    weighed = {name for name, weight in run.class_weights.items() if weight != 1}
    if weighed - set(classes):
        unknown = ", ".join(sorted(weighed - set(classes)))
        return f"not trained: it weighs {unknown}, and the study has {', '.join(classes)}"
    for split in Split:
        own = run.rows.loc[run.rows["split"] == split, "label"]
        lacking = sorted(set(classes) - set(own))
        if lacking:
            return f"not trained: no {split} radiograph of {', '.join(lacking)}"
    return ""
