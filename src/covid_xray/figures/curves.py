"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from covid_xray.figures import theme
from covid_xray.figures.marks import add_key, in_percent


@theme.themed
def draw_learning_curves(
    histories: Mapping[str, pd.DataFrame], notes: Mapping[str, str] | None = None
) -> Figure:
    """Loss, and a metric where there is one, per epoch and model (Report A, Annexes 7 to 9).

    Args:
        histories: per model, `epoch, loss, val_loss` and perhaps a metric with its validation,
            such as `accuracy, val_accuracy` or `dice, val_dice`: the first one is drawn.
        notes: words under the names of some models, such as `overfits: diverging losses`.
    """
    if not histories:
        return theme.say("No model was trained, so there are no learning curves.")
    columns = [["loss", *_paired(history)[:1]] for history in histories.values()]
    n_rows = max(len(metrics) for metrics in columns)
    width, height = max(2.7 * len(histories), 4.6) + 0.3, 2.3 * n_rows + 1
    figure, grid = theme.new_figure(n_rows, len(histories), width=width, height=height)
    for cells, metrics, (model, history) in zip(grid.T, columns, histories.items(), strict=True):
        cells[0].set_title(theme.wrapped(f"{model}\n{(notes or {}).get(model, '')}", 2.4))
        for axes, metric in zip(cells, metrics, strict=False):
            _draw_metric(axes, history, metric)
        cells[len(metrics) - 1].set_xlabel("epoch")
        for axes in cells[len(metrics) :]:
            axes.set_axis_off()
    add_key(figure, ncols=3)
    return theme.titled(figure, "Learning curves")


def _paired(history: pd.DataFrame) -> list[str]:
    """Metrics besides the loss that were measured in training and validation, in order."""
    return [str(name) for name in history if name != "loss" and f"val_{name}" in history]


def _draw_metric(axes: Axes, history: pd.DataFrame, metric: str) -> None:
    epochs, validation = history["epoch"], history[f"val_{metric}"]
    axes.plot(epochs, history[metric], ".--", color=theme.TRAINING, label="training")
    axes.plot(epochs, validation, ".-", color=theme.STUDY, label="validation")
    # A run that diverged has no best epoch.
    if history["val_loss"].notna().any():
        best = int(np.nanargmin(history["val_loss"]))
        _mark_best(axes, epochs.iloc[best], validation.iloc[best])
    axes.locator_params(axis="x", integer=True)
    axes.grid(axis="y")
    axes.set_ylabel(metric)
    if metric == "accuracy":
        in_percent(axes, "y")


def _mark_best(axes: Axes, epoch: float, value: float) -> None:
    ring = theme.look(marker="o", markersize=9, markerfacecolor="none", linestyle="none")
    axes.plot(epoch, value, color=theme.STUDY, label="lowest validation loss", **ring)
    text, place = f"epoch {epoch:.0f}", (epoch, value)
    axes.annotate(text, place, xytext=(0, 9), textcoords="offset points", ha="center")
