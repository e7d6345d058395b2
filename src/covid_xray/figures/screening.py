"""Screening for COVID: class proportions, where models look, and their curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from covid_xray.figures import theme
from covid_xray.figures.marks import BAR, draw_class_bars, in_percent
from covid_xray.split import Split

_PANEL = 4.2  # inches
_CORNER = 0.25  # side of the corner of the ROC that is enlarged
_THICK = 1.5 * theme.LINE

_EVIDENCE = "evidence inside the lungs, with its 95 % interval"
_AREA = "area of the lungs in the picture: what evidence everywhere alike would give"

Cues = Mapping[str, theme.Cue]


@theme.themed
def draw_class_proportions(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """Share of each class, a panel per way of counting (Report B, Déséquilibre des données).

    Args:
        counts: radiographs per class, by the title of the panel; all panels have one scale.
    """
    if not any(sum(of_class.values()) for of_class in counts.values()):
        return theme.say("There are no radiographs whose classes could be counted.")
    sizes = [max(1, len(of_class)) for of_class in counts.values()]
    height, ratios = BAR * sum(sizes) + 0.4 * len(sizes) + 0.8, {"height_ratios": sizes}
    figure, grid = theme.new_figure(len(counts), height=height, gridspec_kw=ratios)
    for axes, (title, of_class) in zip(grid[:, 0], counts.items(), strict=True):
        axes.set_title(title, loc="left")
        _draw_proportions(axes, pd.Series(of_class, dtype=np.int64))
    subtitle = "Number of radiographs, and their share"
    return theme.titled(figure, "Proportions of the classes", subtitle)


def _draw_proportions(axes: Axes, counts: pd.Series) -> None:
    total = counts.sum()
    if total:
        draw_class_bars(axes, counts / total, [f"{n:,}  ({n / total:.1%})" for n in counts])
        axes.set_xlim(0, 1.25)  # room for the texts
    else:
        axes.set_axis_off()
        theme.write_muted(axes, "no radiographs", x=0, ha="left")


@theme.themed
def draw_lung_attribution(table: pd.DataFrame) -> Figure:
    """Share of each model's Grad-CAM that lies in the lungs, against the lungs' area (Report B).

    A model that looks everywhere alike has as much of its evidence in the lungs as these have of
    the picture; Report B concludes from heatmaps in the lungs that its models are not biased.

    Args:
        table: a row per model and label, of which `all` stands for all classes: `model, label, n`
            (radiographs), `mass_inside, mass_inside_low, mass_inside_high` (shares of the
            heatmap's sum, NaN without evidence) and `lung_area` (share of the picture).
    """
    if table.empty:
        return theme.say("No model was explained by Grad-CAM: where it looks is not known.")
    cues = theme.class_cues(table["label"].astype(str))
    models = list(table.groupby("model", sort=False, observed=True))
    heights = [len(rows) for _, rows in models]
    height, ratios = 0.24 * sum(heights) + 0.36 * len(models) + 1.6, {"height_ratios": heights}
    figure, grid = theme.new_figure(len(models), height=height, sharex=True, gridspec_kw=ratios)
    for axes, (model, rows) in zip(grid[:, 0], models, strict=True):
        axes.set_title(theme.wrapped(str(model), 5.5), loc="left")
        _draw_attribution_of_model(axes, rows, cues)
    look = theme.look(color=theme.MUTED, marker="o", markersize=7, linewidth=_THICK)
    evidence = Line2D([], [], label=_EVIDENCE, **look)
    figure.legend(handles=[evidence, grid[0, 0].lines[0]], loc="outside lower left")
    title = "How much of their evidence the models find in the lungs"
    subtitle = "Share of each Grad-CAM heatmap inside the lung mask, mean over test radiographs"
    return theme.titled(figure, title, subtitle)


def _draw_attribution_of_model(axes: Axes, rows: pd.DataFrame, cues: Cues) -> None:
    places, labels = range(len(rows)), rows["label"].astype(str)
    look = theme.look(color=theme.INK, markersize=12, markeredgewidth=theme.LINE)
    axes.plot(rows["lung_area"], places, "|", label=_AREA, **look)
    for place, label, row in zip(places, labels, rows.to_dict("records"), strict=True):
        if np.isnan(row["mass_inside"]):
            axes.text(0.01, place, "no evidence", va="center", color=theme.MUTED)
        else:
            _draw_evidence(axes, place, label, row, cues[label])
    counts = zip(labels, rows["n"], strict=True)
    names = [f"{theme.class_name(label)} (n = {n:,})" for label, n in counts]
    axes.set_yticks(places, names)
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    in_percent(axes, "x")


def _draw_evidence(
    axes: Axes, place: int, label: str, row: Mapping[Any, Any], cue: theme.Cue
) -> None:
    # Not error bars: a percentile interval may lie beside the mean, and these must not.
    interval = (row["mass_inside_low"], row["mass_inside_high"])
    axes.hlines(place, *interval, color=cue.color, linewidth=_THICK, alpha=theme.POINT)
    size = 11 if label == theme.ALL_CLASSES else 7  # a star looks smaller than the others
    edge = theme.look(markeredgecolor=theme.PAPER, markeredgewidth=0.6, markersize=size)
    axes.plot(row["mass_inside"], place, label=label, clip_on=False, **cue._asdict(), **edge)


@theme.themed
def draw_screening_curves(views: Mapping[str, pd.DataFrame], points: pd.DataFrame) -> Figure:
    """ROC and precision-recall curves on the test split (Report B, section Résultats).

    Args:
        views: per model, `split, is_positive, score`, a row per radiograph.
        points: a row per model: `model`, and its `sensitivity, specificity` on the test split at
            the operating point that was chosen on the validation split.

    Raises:
        KeyError: if a point belongs to none of the models.
    """
    tests = {model: view[view["split"] == Split.TEST] for model, view in views.items()}
    drawn = {model: test for model, test in tests.items() if test["is_positive"].nunique() == 2}
    if not drawn:
        return theme.say("No model scored test radiographs of both kinds: there are no curves.")
    cues = theme.model_cues(views)
    height = _PANEL + 0.65 + 0.19 * -(-len(drawn) // 2)
    figure, grid = theme.new_figure(1, 2, width=2 * _PANEL + 0.2, height=height)
    _draw_roc(grid[0, 0], drawn, points, cues)
    _draw_precision_recall(grid[0, 1], drawn, cues)
    for axes in grid[0]:
        axes.set(xlim=(0, 1), ylim=(0, 1), box_aspect=1)
        in_percent(axes, "both")
    key = [
        Line2D([], [], label=theme.wrapped(model, 2.9), **cues[model]._asdict()) for model in drawn
    ]
    figure.legend(handles=key, loc="outside lower left", ncols=2, handlelength=3.6)
    note = "Markers are the operating points chosen on the validation split"
    if left_out := [model for model in tests if model not in drawn]:
        note += "; no curve without both positive and negative radiographs: " + ", ".join(left_out)
    return theme.titled(figure, "How well the models screen the test radiographs", note)


def _draw_roc(
    axes: Axes, tests: Mapping[str, pd.DataFrame], points: pd.DataFrame, cues: Cues
) -> None:
    axes.set(title="ROC", xlabel="1 − specificity", ylabel="sensitivity")
    axes.plot([0, 1], [0, 1], ":", color=theme.MUTED, linewidth=1, label="guessing")
    slope = theme.look(rotation=45, rotation_mode="anchor")
    axes.text(0.22, 0.19, "guessing", va="top", color=theme.MUTED, **slope)
    # Below the diagonal, where no curve should be; good models crowd in the corner it enlarges.
    corner = axes.inset_axes((0.61, 0.09, 0.36, 0.36))
    corner.set(xlim=(-0.01, _CORNER), ylim=(1 - _CORNER, 1.01))
    corner.set(xticks=[0, _CORNER], yticks=[1 - _CORNER, 1])
    corner.set_title("upper left corner", fontsize=theme.SMALL_SIZE)
    in_percent(corner, "both")
    for each in (axes, corner):
        _draw_roc_lines(each, tests, points, cues, clip=each is corner)


def _draw_roc_lines(
    axes: Axes, tests: Mapping[str, pd.DataFrame], points: pd.DataFrame, cues: Cues, *, clip: bool
) -> None:
    # Here, because scikit-learn takes seconds to load and every kedro command imports this file.
    from sklearn.metrics import roc_curve

    for model, test in tests.items():
        x, y, _ = roc_curve(test["is_positive"], test["score"], drop_intermediate=False)
        axes.plot(x, y, label=model, clip_on=clip, **cues[model].line)
    edge = theme.look(markeredgecolor=theme.PAPER, markeredgewidth=0.8, markersize=7.5, zorder=3)
    for point in points.to_dict("records"):
        colour, marker, _ = cues[str(point["model"])]
        look = theme.look(color=colour, label=f"operating point of {point['model']}", clip_on=clip)
        axes.plot(1 - point["specificity"], point["sensitivity"], marker, **edge, **look)


def _draw_precision_recall(axes: Axes, tests: Mapping[str, pd.DataFrame], cues: Cues) -> None:
    from sklearn.metrics import precision_recall_curve

    axes.set(title="Precision and recall", xlabel="recall (sensitivity)", ylabel="precision")
    # Models may have been tested on unlike shares of the study.
    for prevalence in sorted({float(test["is_positive"].mean()) for test in tests.values()}):
        axes.axhline(prevalence, linestyle=":", color=theme.MUTED, linewidth=1, label="guessing")
        text = f"guessing: prevalence {prevalence:.1%}"
        axes.text(0.01, prevalence + 0.01, text, color=theme.MUTED)
    for model, test in tests.items():
        precision, recall, _ = precision_recall_curve(test["is_positive"], test["score"])
        # Steps, not slopes: average precision is the area under them.
        look = theme.look(drawstyle="steps-post", clip_on=False, **cues[model].line)
        axes.plot(recall, precision, label=model, **look)
