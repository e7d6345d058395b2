"""Symptoms of over-fitting in learning curves (Report A, section Courbe d'apprentissages).

The report watches for two: a growing gap between the accuracy on training and on validation
radiographs, and losses on the two that diverge. It gives no thresholds; those here are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

# A single epoch is noisy: the end of a run is the median of its last few.
_LAST_EPOCHS = 3
_MEASURED = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
_FIGURES = ("final_accuracy_gap", "accuracy_gap_slope", "val_loss_rise", "loss_rise")
SYMPTOMS = {
    "growing_accuracy_gap": "growing accuracy gap",
    "diverging_losses": "diverging losses",
}
_NOTHING_MEASURED: dict[str, Any] = (
    {"best_epoch": None}
    | dict.fromkeys((*SYMPTOMS, "overfits"), False)
    | dict.fromkeys(_FIGURES, float("nan"))
)


def overfitting_symptoms(
    history: pd.DataFrame,
    *,
    least_gap: float = 0.02,
    least_growth: float = 0.01,
    least_rise: float = 0.02,
) -> dict[str, Any]:
    """Look for the report's two symptoms of over-fitting in a run (Courbe d'apprentissages).

    The accuracy gap, training minus validation, grows if its least-squares line rises over the
    run by `least_growth` and it ends at `least_gap` or more. Losses diverge if, from the epoch
    of the lowest validation loss to the end, that loss rises by `least_rise` of itself while the
    training loss falls. The end is the median of the last three epochs, for the losses of those
    after the lowest.

    A loss that is not finite is a failed optimisation, not over-fitting: such epochs are left
    out, and the note counts them. Symptoms describe the end of a run; where early stopping puts
    the best weights back, the model that is kept is that of `best_epoch`.

    Args:
        history: a row per epoch: `epoch, loss, accuracy, val_loss, val_accuracy`.
        least_gap: accuracy, 0 to 1, by which training must lie above validation at the end.
        least_growth: accuracy by which the gap's line must rise, so that noise does not count.
        least_rise: rise of the validation loss as a share of its lowest value.

    Returns:
        `n_epochs`; `best_epoch` (None without one); `growing_accuracy_gap, diverging_losses,
        overfits` (either); `final_accuracy_gap`; `accuracy_gap_slope`, per epoch;
        `val_loss_rise` and `loss_rise` since `best_epoch`, as shares; and `note`, which starts
        with `not testable: ` where fewer than two epochs could be measured.

    Raises:
        KeyError: the history lacks a column.
    """
    figures = history[_MEASURED].astype("float64").sort_values("epoch")
    measured: pd.DataFrame = figures.loc[np.isfinite(figures.to_numpy()).all(axis=1)]
    note = _note(len(history), len(measured))
    row = {"n_epochs": len(history)} | _NOTHING_MEASURED | {"note": note}
    if measured.empty:
        return row
    row |= _losses_since_best(measured) | _accuracy_gap(measured)
    growth = row["accuracy_gap_slope"] * float(np.ptp(measured["epoch"]))
    # NaN is never large enough, so that a single epoch has no symptom.
    growing = bool(growth >= least_growth and row["final_accuracy_gap"] >= least_gap)
    diverging = bool(row["val_loss_rise"] >= least_rise and row["loss_rise"] < 0)
    symptoms = dict(zip(SYMPTOMS, (growing, diverging), strict=True))
    return row | symptoms | {"overfits": growing or diverging}


def overfitting_table(histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Symptoms of over-fitting of several models (Report A, section Courbe d'apprentissages).

    Args:
        histories: history of each model; see `overfitting_symptoms`.

    Returns:
        One row per model, in their order: `model` and what `overfitting_symptoms` returns.
    """
    columns = ["model", "n_epochs", *_NOTHING_MEASURED, "note"]
    rows = [
        {"model": model} | overfitting_symptoms(history) for model, history in histories.items()
    ]
    return pd.DataFrame(rows, columns=columns).astype({"best_epoch": "Int64"})


def overfitting_notes(table: pd.DataFrame) -> dict[str, str]:
    """A few words on each model that over-fits, such as `overfits: diverging losses`.

    Args:
        table: rows of `overfitting_table`.

    Returns:
        The words by model; models without symptoms are left out.
    """
    return {
        str(row["model"]): "overfits: "
        + " / ".join(words for symptom, words in SYMPTOMS.items() if row[symptom])
        for row in table.to_dict("records")
        if row["overfits"]
    }


def _note(n_epochs: int, n_measured: int) -> str:
    n_lost = n_epochs - n_measured
    lost = f"{n_lost} of {n_epochs} epochs are not finite" if n_lost else ""
    if n_measured < 2:
        return f"not testable: {lost or f'{n_epochs} epoch(s)'}, and at least 2 are needed"
    return lost


def _losses_since_best(measured: pd.DataFrame) -> dict[str, Any]:
    place = int(measured["val_loss"].to_numpy().argmin())
    best, later = measured.iloc[place], measured.iloc[place + 1 :]
    # Only epochs after the best one: a run that ends at its best has not risen since.
    last = best if later.empty else later.tail(_LAST_EPOCHS).median()
    rises = {
        f"{loss}_rise": _relative_rise(float(best[loss]), float(last[loss]))
        for loss in ("val_loss", "loss")
    }
    return {"best_epoch": int(best["epoch"])} | rises


def _relative_rise(before: float, after: float) -> float:
    if before == 0:
        return float("inf") if after > 0 else 0.0
    return (after - before) / abs(before)


def _accuracy_gap(measured: pd.DataFrame) -> dict[str, float]:
    gap = (measured["accuracy"] - measured["val_accuracy"]).to_numpy()
    slope = np.polyfit(measured["epoch"], gap, 1)[0] if len(gap) > 1 else np.nan
    return {
        "final_accuracy_gap": float(np.median(gap[-_LAST_EPOCHS:])),
        "accuracy_gap_slope": float(slope),
    }
