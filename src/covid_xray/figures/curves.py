"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from covid_xray.figures import theme
from covid_xray.figures.marks import in_percent


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
    firsts = (metric for history in histories.values() for metric in _paired(history)[:1])
    metrics = ["loss", *dict.fromkeys(firsts)]
    width, height = max(2.7 * len(histories), 4.6) + 0.3, 2.3 * len(metrics) + 1
    figure, grid = theme.new_figure(len(metrics), len(histories), width=width, height=height)
    for column, (model, history) in zip(grid.T, histories.items(), strict=True):
        column[0].set_title(theme.wrapped(f"{model}\n{(notes or {}).get(model, '')}", 2.4))
        for axes, metric in zip(column, metrics, strict=True):
            _draw_metric(axes, history, metric)
        _drawn(column)[-1].set_xlabel("epoch")
    for row, metric in zip(grid, metrics, strict=True):
        _drawn(row)[0].set_ylabel(metric)
    handles = {line.get_label(): line for axes in grid.flat for line in axes.get_lines()}
    figure.legend(handles=list(handles.values()), loc="outside lower left", ncols=3)
    theme.add_title(figure, "Learning curves")
    return figure


def _paired(history: pd.DataFrame) -> list[str]:
    """Metrics besides the loss that were measured in training and validation, in order."""
    return [str(name) for name in history if name != "loss" and f"val_{name}" in history]


def _drawn(panels: Sequence[Axes]) -> list[Axes]:
    """Those of a row or column whose model has the metric."""
    return [axes for axes in panels if axes.axison]


def _draw_metric(axes: Axes, history: pd.DataFrame, metric: str) -> None:
    if metric not in ["loss", *_paired(history)]:
        axes.set_axis_off()
        return
    epochs, validation = history["epoch"], history[f"val_{metric}"]
    axes.plot(epochs, history[metric], ".--", color=theme.TRAINING, label="training")
    axes.plot(epochs, validation, ".-", color=theme.STUDY, label="validation")
    # A run that diverged has no best epoch.
    if history["val_loss"].notna().any():
        best = int(np.nanargmin(history["val_loss"]))
        _mark_best(axes, epochs.iloc[best], validation.iloc[best])
    axes.locator_params(axis="x", integer=True)
    axes.grid(axis="y")
    if metric == "accuracy":
        in_percent(axes, "y")


def _mark_best(axes: Axes, epoch: float, value: float) -> None:
    ring = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "linestyle": "none"}
    axes.plot(epoch, value, color=theme.STUDY, label="lowest validation loss", **ring)
    text, place = f"epoch {epoch:.0f}", (epoch, value)
    axes.annotate(text, place, xytext=(0, 9), textcoords="offset points", ha="center")
