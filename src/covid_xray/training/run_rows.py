"""What a run tells of itself, whatever trains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from covid_xray.split import Split
from covid_xray.training.runs import Run, TrainedRun


def run_row(
    run: Run, weights: str, trainable_params: int, history: pd.DataFrame | None, note: str = ""
) -> dict[str, object]:
    """What every run tells of itself in the table of runs.

    Args:
        run: the run.
        weights: where the pre-trained weights come from; `none` for random ones.
        trainable_params: number of trainable weights, as Table 5 counts them.
        history: its epochs; None if it was not trained.
        note: why it was not trained.
    """
    return {
        **run.setting(),
        "weights": weights,
        "n_train": 0 if note else run.size(Split.TRAIN),
        "n_validation": run.size(Split.VALIDATION),
        "n_test": run.size(Split.TEST),
        "trainable_params": trainable_params,
        "best_epoch": None if history is None else int(history["val_loss"].to_numpy().argmin()),
        "epochs_run": 0 if history is None else len(history),
        "note": note,
    }


def untrained_run(name: str, row: Mapping[str, Any]) -> TrainedRun:
    """A run that could not be trained: its row, and tables without rows.

    Args:
        name: its name.
        row: its row of the table of runs, with the note.
    """
    history = pd.DataFrame(columns=["epoch"])
    predictions = pd.DataFrame(columns=["image_id", "group_id", "split", "label", "predicted"])
    return TrainedRun(name, row, history, predictions, None)


def why_untrainable(rows: pd.DataFrame, classes: Sequence[str]) -> str:
    """Why a run can't be trained: a split without a class; empty if it can."""
    for split in Split:
        lacking = sorted(set(classes) - set(rows.loc[rows["split"] == split, "label"]))
        if lacking:
            return f"not trained: no {split} radiograph of {', '.join(lacking)}"
    return ""
