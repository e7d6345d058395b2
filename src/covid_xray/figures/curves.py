"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from covid_xray.figures import theme


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
    figure, grid = theme.new_figure(
        len(metrics), len(histories),
        width=max(2.7 * len(histories), 4.6) + 0.3, height=2.3 * len(metrics) + 1.0,
    )  # fmt: skip
    for column, (model, history) in zip(grid.T, histories.items(), strict=True):
        lines = [model, *filter(None, [(notes or {}).get(model)])]
        column[0].set_title("\n".join(theme.wrapped(line, 2.4) for line in lines))
        for axes, metric in zip(column, metrics, strict=True):
            _draw_metric(axes, history, metric)
        lowest = [axes for axes in column if axes.axison][-1]
        lowest.set_xlabel("epoch")
    for row, metric in zip(grid, metrics, strict=True):
        next(axes for axes in row if axes.axison).set_ylabel(metric)
    handles = {line.get_label(): line for axes in grid.flat for line in axes.get_lines()}
    figure.legend(handles=list(handles.values()), loc="outside lower left", ncols=3)
    theme.add_title(figure, "Learning curves")
    return figure


def _paired(history: pd.DataFrame) -> list[str]:
    """Metrics besides the loss that were measured in training and validation, in order."""
    return [str(name) for name in history if name != "loss" and f"val_{name}" in history]


def _draw_metric(axes: Axes, history: pd.DataFrame, metric: str) -> None:
    if metric not in ["loss", *_paired(history)]:
        axes.set_axis_off()
        return
    theme.light_grid(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shares = (
        (metric, "training", theme.TRAINING, "--"),
        (f"val_{metric}", "validation", theme.VALIDATION, "-"),
    )
    for column, name, colour, style in shares:
        axes.plot(history["epoch"], history[column], style, color=colour, marker=".", label=name)
    if metric == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    # A run that diverged has no best epoch.
    if history["val_loss"].notna().any():
        best = history.iloc[int(np.nanargmin(history["val_loss"]))]
        axes.plot(
            best["epoch"], best[f"val_{metric}"], "o", color=theme.VALIDATION, markersize=9,
            markerfacecolor="none", label="lowest validation loss",
        )  # fmt: skip
        axes.annotate(
            f"epoch {best['epoch']:.0f}", (best["epoch"], best[f"val_{metric}"]), xytext=(0, 9),
            textcoords="offset points", ha="center", fontsize=theme.SMALL_SIZE,
        )  # fmt: skip
