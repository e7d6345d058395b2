"""What classifiers predict on the test split, how sure they are, and how their scores move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from covid_xray.evaluation.predictions import predicted_classes, probability_column
from covid_xray.figures import theme
from covid_xray.figures.marks import add_key, count_axis, in_percent, label_line_ends
from covid_xray.split import Split

_BINS = np.linspace(0, 1, 11).tolist()
_SCORE_NAMES = {
    "accuracy": "accuracy",
    "recall_covid": "COVID recall",
    "f1_score_covid": "COVID F1",
    "f1_score": "F1, all classes",
    "precision_covid": "COVID precision",
}
_WEIGHT_SCORES = ("recall_covid", "precision_covid", "f1_score_covid", "f1_score")
_THRESHOLD_SCORES = ("accuracy", "f1_score")
_TRUE_CLASS = "true class of the wrong ones"
_CELL = 0.8  # inches
_DARK = 0.6  # a share whose cell is too dark for dark words
_PER_ROW = 2
_BARS_NOTE = "Bars are 95 % intervals; points are set apart sideways so that these show"


@theme.themed
def draw_confidence(predictions_by_model: Mapping[str, pd.DataFrame]) -> Figure:
    """Histograms of softmax probabilities on the test split (Report A, Figure 17).

    A pair of rows per model and a column per true class. Above, right predictions by the
    probability of their class. Below, wrong ones by the probability of the class that was
    predicted, in its colour, and as a line the probability that the true class was left with.

    Args:
        predictions_by_model: `split, label, predicted` and `probability_<class>` per class.
    """
    tables = predictions_by_model.items()
    tests = {model: table[table["split"] == Split.TEST] for model, table in tables}
    if all(table.empty for table in tests.values()):
        return theme.say("No model has predicted a test radiograph, so there is no confidence.")
    classes = predicted_classes(pd.concat(tests.values()))
    width, height = max(1.85 * len(classes) + 0.6, 4.6), 2.5 * len(tests) + 1.4
    figure, grid = theme.new_figure(
        2 * len(tests), len(classes), width=width, height=height, sharex=True
    )
    rows = zip(grid[::2], grid[1::2], tests.items(), strict=True)
    for above, below, (model, table) in rows:
        is_right = table["predicted"] == table["label"]
        _draw_row(above, table[is_right], classes, "right")
        _draw_row(below, table[~is_right], classes, "wrong")
        above[0].set_ylabel(f"{theme.wrapped(model, 1.2)}\nright")
        below[0].set_ylabel("wrong")
    for top, bottom, label in zip(grid[0], grid[-1], classes, strict=True):
        top.set_title(f"true class:\n{theme.wrapped(theme.class_name(label), 1.6)}")
        bottom.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel="softmax probability")
        bottom.xaxis.set_major_formatter(PercentFormatter(1))
    add_key(figure, ncols=3)
    subtitle = "Test radiographs per 0.1 of probability; every panel has its own scale"
    return theme.titled(figure, "How sure the models are, right and wrong", subtitle)


def _draw_row(
    cells: Sequence[Axes], table: pd.DataFrame, classes: Sequence[str], verdict: str
) -> None:
    for axes, label in zip(cells, classes, strict=True):
        own = table[table["label"] == label]
        _stack_probabilities(axes, own, classes)
        if verdict == "wrong" and len(own):
            counts, _ = np.histogram(_probabilities(own, label), _BINS)
            axes.stairs(counts, _BINS, color=theme.INK, linewidth=theme.LINE, label=_TRUE_CLASS)
        axes.set_ylim(0, 1.28 * max(axes.dataLim.y1, 1))  # room for the text
        text = f"{len(own):,} {verdict}"
        where = theme.look(transform=axes.transAxes, va="top", path_effects=theme.HALO)
        axes.text(0.03, 0.98, text, **where)
        count_axis(axes)


def _stack_probabilities(axes: Axes, rows: pd.DataFrame, classes: Sequence[str]) -> None:
    """Histogram of the probabilities of the predicted classes, in their colours."""
    found = [label for label in classes if (rows["predicted"] == label).any()]
    values = [_probabilities(rows[rows["predicted"] == label], label) for label in found]
    colours = theme.class_colours(classes)
    look = theme.look(color=[colours[label] for label in found], edgecolor=theme.PAPER)
    names = [f"predicted {theme.class_name(label)}" for label in found]
    if found:
        axes.hist(values, _BINS, stacked=True, label=names, linewidth=0.5, **look)


def _probabilities(rows: pd.DataFrame, label: str) -> NDArray[np.float64]:
    # A model that lacks the class has no column, and no rows either.
    column = rows.get(probability_column(label), pd.Series(dtype=np.float64))
    # Rounding in single precision may put a probability just above 1, beyond the last bin.
    return column.to_numpy(np.float64).clip(0, 1)


@theme.themed
def draw_confusion_matrices(shares_by_model: Mapping[str, pd.DataFrame]) -> Figure:
    """Confusion matrix of each model on the test split, in shares of the true classes.

    Args:
        shares_by_model: per model `label, predicted, count, share, low, high`, a row per pair of
            classes, as `confusion_shares` makes them.
    """
    if not shares_by_model:
        return theme.say("No model has predicted test radiographs, so nothing is confused.")
    n_classes = max(table["label"].nunique() for table in shares_by_model.values())
    columns = min(_PER_ROW, len(shares_by_model))
    rows = -(-len(shares_by_model) // columns)
    side = n_classes * _CELL
    width, height = max(columns * (side + 1.3), 4.6), rows * (side * 0.85 + 1.0) + 1.0
    figure, grid = theme.new_figure(rows, columns, width=width, height=height)
    for axes, (model, table) in zip(grid.flat, shares_by_model.items(), strict=False):
        _draw_confusion(axes, table)
        axes.set_title(theme.wrapped(model, side))
    for axes in grid.flat[len(shares_by_model) :]:
        axes.remove()
    subtitle = "Share of the true class with its 95 % interval, and number of radiographs"
    return theme.titled(figure, "What the test radiographs of each class are taken for", subtitle)


def _draw_confusion(axes: Axes, table: pd.DataFrame) -> None:
    labels = table["label"].astype(str).unique()
    size = len(labels)
    shares = table["share"].to_numpy(np.float64).reshape(size, size)
    axes.imshow(shares, cmap=theme.SHARES, vmin=0, vmax=1, aspect="auto")
    for place, row in enumerate(table.to_dict("records")):
        ink = theme.PAPER if row["share"] > _DARK else theme.INK
        where = (place % size, place // size)
        axes.text(*where, _cell_text(row), ha="center", va="center", color=ink)
    names = [theme.wrapped(theme.class_name(label), 0.8) for label in labels]
    counts = table["count"].to_numpy().reshape(size, size).sum(axis=1)
    rows = [f"{name}\nn = {n:,}" for name, n in zip(names, counts, strict=True)]
    axes.set_xticks(range(size), names)
    axes.set_yticks(range(size), rows)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _cell_text(row: Mapping[Any, Any]) -> str:
    if np.isnan(row["share"]):
        return "no\nradiographs"
    interval = f"{100 * row['low']:.1f}–{100 * row['high']:.1f}"
    return f"{row['share']:.1%}\n{interval}\n{row['count']:,}"


@theme.themed
def draw_class_weight_scores(scores: pd.DataFrame) -> Figure:
    """Scores against the weight of COVID in the training loss (Report A, Figure 14).

    Args:
        scores: a row per weight: `covid_weight`, and `recall_covid, precision_covid,
            f1_score_covid, f1_score` (0 to 1), each with `<score>_low, <score>_high`.
    """
    if scores.empty:
        return theme.say("No model was trained with a weight for COVID.")
    figure, grid = theme.new_figure()
    axes = grid[0, 0]
    _draw_scores(axes, scores, "covid_weight", _WEIGHT_SCORES)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    axes.set_xlabel("weight of COVID in the training loss (other classes: 1)")
    theme.titled(figure, "Scores by the weight given to COVID", _BARS_NOTE)
    label_line_ends(axes)
    return figure


@theme.themed
def draw_threshold_scores(scores: pd.DataFrame) -> Figure:
    """Scores against the threshold on sharpness, and what it leaves to train on (Laplacian).

    Args:
        scores: a row per threshold on the variance of the Laplacian, in squared grey levels and 0
            without a filter: `threshold, n_train` (radiographs), and `accuracy, f1_score` (0 to
            1), each with `<score>_low, <score>_high`.
    """
    if scores.empty:
        return theme.say("No model was trained on radiographs filtered by sharpness.")
    figure, grid = theme.new_figure(
        2, height=theme.HEIGHT + 1, sharex=True, gridspec_kw={"height_ratios": [2.2, 1]}
    )
    upper, lower = grid[:, 0]
    _draw_scores(upper, scores, "threshold", _THRESHOLD_SCORES)
    _draw_training_sizes(lower, scores)
    theme.titled(figure, "Scores by the threshold on sharpness", _BARS_NOTE)
    label_line_ends(upper)
    return figure


def _draw_training_sizes(axes: Axes, scores: pd.DataFrame) -> None:
    rows = scores.sort_values("threshold")
    thresholds = rows["threshold"]
    width = 0.015 * (np.ptp(thresholds) or 10)
    bars = axes.bar(thresholds, rows["n_train"], width, color=theme.ALL)
    axes.bar_label(bars, fmt="{:,.0f}", padding=2)
    axes.set_ylim(0, 1.3 * rows["n_train"].max())
    count_axis(axes)
    axes.set_xticks(thresholds, [f"{value:g}" if value else "no\nfilter" for value in thresholds])
    axes.set_xlabel("threshold on the variance of the Laplacian (squared grey levels)")
    axes.set_ylabel("training\nradiographs")


def _draw_scores(axes: Axes, scores: pd.DataFrame, x: str, names: Sequence[str]) -> None:
    """A line with intervals per score."""
    rows, cues = scores.sort_values(x), theme.model_cues(_SCORE_NAMES)
    span = float(np.ptp(rows[x])) or 1.0
    for place, name in enumerate(names):
        at = rows[x] + (place - (len(names) - 1) / 2) * 0.012 * span
        # Not error bars: a percentile interval may lie beside the score, and these must not.
        interval = (rows[f"{name}_low"], rows[f"{name}_high"])
        axes.vlines(at, *interval, color=cues[name].color, alpha=theme.POINT)
        look = cues[name]._asdict()
        axes.plot(at, rows[name], markersize=5, label=_SCORE_NAMES[name], **look)
    axes.set_xlim(rows[x].min() - 0.08 * span, rows[x].max() + 0.08 * span)
    axes.set_ylabel("score on the test split")
    in_percent(axes, "y", decimals=None)
