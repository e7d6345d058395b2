"""Screening for COVID: class proportions, where models look, and their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from covid_xray.figures import theme
from covid_xray.figures.marks import BAR, draw_class_bars, in_percent
from covid_xray.split import Split

_PER_ROW = 2
_PANEL = 4.2  # inches
_CORNER = 0.25  # side of the corner of the ROC that is enlarged
_THICK = 1.5 * theme.LINE

Cues = Mapping[str, theme.Cue]


@theme.themed
def draw_class_proportions(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """Share of each class, a panel per way of counting (Report B, Déséquilibre des données).

    Args:
        counts: radiographs per class, by the title of the panel; all panels have one scale.
    """
    if not any(sum(of_class.values()) for of_class in counts.values()):
        return theme.say("There are no radiographs whose classes could be counted.")
    columns = min(_PER_ROW, len(counts))
    sizes = [len(of_class) for of_class in counts.values()]
    heights = [max(1, *sizes[at : at + columns]) for at in range(0, len(sizes), columns)]
    figure, grid = theme.new_figure(
        len(heights),
        columns,
        width=columns * _PANEL + 0.2,
        height=BAR * sum(heights) + 0.45 * len(heights) + 0.8,
        gridspec_kw={"height_ratios": heights},
    )
    for place, (title, of_class) in enumerate(counts.items()):
        axes = grid.flat[place]
        axes.set_title(theme.wrapped(title, _PANEL - 0.5), loc="left")
        _draw_proportions(axes, pd.Series(of_class, dtype=np.int64))
        # All panels of a row have bars of one thickness, and room for the texts.
        axes.set(xlim=(0, 1.5), ylim=(heights[place // columns] - 0.5, -0.5))
    for axes in grid.flat[len(counts) :]:
        axes.remove()
    theme.add_title(figure, "Proportions of the classes", "Number of radiographs, and their share")
    return figure


def _draw_proportions(axes: Axes, counts: pd.Series) -> None:
    total = counts.sum()
    if not total:
        axes.set_axis_off()
        theme.write_muted(axes, "no radiographs", x=0, ha="left")
        return
    texts = [f"{n:,}  ({n / total:.1%})" for n in counts]
    draw_class_bars(axes, counts / total, texts)


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
    figure, grid = theme.new_figure(
        len(models),
        height=0.24 * sum(heights) + 0.36 * len(models) + 1.6,
        sharex=True,
        gridspec_kw={"height_ratios": heights},
    )
    for axes, (model, rows) in zip(grid[:, 0], models, strict=True):
        axes.set_title(theme.wrapped(str(model), 5.5), loc="left")
        _draw_attribution_of_model(axes, rows, cues)
    figure.legend(handles=_attribution_key(), loc="outside lower left")
    title = "How much of their evidence the models find in the lungs"
    subtitle = "Share of each Grad-CAM heatmap inside the lung mask, mean over test radiographs"
    theme.add_title(figure, title, subtitle)
    return figure


def _draw_attribution_of_model(axes: Axes, rows: pd.DataFrame, cues: Cues) -> None:
    texts = []
    for place, row in enumerate(rows.to_dict("records")):
        label = str(row["label"])
        texts.append(f"{theme.class_name(label)} (n = {row['n']:,})")
        axes.plot(row["lung_area"], place, **_area_style())
        if np.isnan(row["mass_inside"]):
            axes.text(0.01, place, "no evidence", va="center", color=theme.MUTED)
            continue
        colour, marker, _ = cues[label]
        # Not error bars: a percentile interval may lie beside the mean, and these must not.
        interval = (row["mass_inside_low"], row["mass_inside_high"])
        axes.hlines(place, *interval, color=colour, linewidth=_THICK, alpha=theme.POINT)
        # A star looks smaller than the others.
        size = 11 if marker == "*" else 7
        edge = {"markeredgecolor": theme.PAPER, "markeredgewidth": 0.6, "clip_on": False}
        axes.plot(row["mass_inside"], place, marker, color=colour, ms=size, label=label, **edge)
    axes.set_yticks(range(len(rows)), texts)
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    in_percent(axes, "x")


def _area_style() -> dict[str, Any]:
    return {
        "marker": "|",
        "linestyle": "none",
        "color": theme.INK,
        "markersize": 12,
        "markeredgewidth": theme.LINE,
        "label": "area of the lungs in the picture: what evidence everywhere alike would give",
    }


def _attribution_key() -> list[Line2D]:
    text = "evidence inside the lungs, with its bootstrap interval"
    look = {"color": theme.MUTED, "marker": "o", "markersize": 7, "linewidth": _THICK}
    return [Line2D([], [], label=text, **look), Line2D([], [], **_area_style())]


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
        return theme.say(
            "No model scored both positive and negative test radiographs: there are no curves."
        )
    cues = theme.model_cues(views)
    height = _PANEL + 0.65 + 0.19 * -(-len(drawn) // 2)
    figure, grid = theme.new_figure(1, 2, width=2 * _PANEL + 0.2, height=height)
    _draw_roc(grid[0, 0], drawn, points, cues)
    _draw_precision_recall(grid[0, 1], drawn, cues)
    for axes in grid[0]:
        axes.set(xlim=(0, 1), ylim=(0, 1), box_aspect=1)
        in_percent(axes, "both")
    key = _curves_key(list(drawn), points, cues)
    figure.legend(handles=key, loc="outside lower left", ncols=2, handlelength=3.6)
    note = "Markers are the operating points chosen on the validation split"
    if left_out := [model for model in tests if model not in drawn]:
        note += "; no curve without both positive and negative radiographs: " + ", ".join(left_out)
    theme.add_title(figure, "How well the models screen the test radiographs", note)
    return figure


def _draw_roc(
    axes: Axes, tests: Mapping[str, pd.DataFrame], points: pd.DataFrame, cues: Cues
) -> None:
    axes.set(title="ROC", xlabel="1 − specificity", ylabel="sensitivity")
    axes.plot([0, 1], [0, 1], ":", color=theme.MUTED, linewidth=1, label="guessing")
    slope = {"rotation": 45, "rotation_mode": "anchor"}
    axes.text(0.22, 0.19, "guessing", va="top", color=theme.MUTED, **slope)
    # Below the diagonal, where no curve should be; good models crowd in the corner it enlarges.
    corner = axes.inset_axes(
        (0.61, 0.09, 0.36, 0.36),
        xlim=(-0.01, _CORNER),
        ylim=(1 - _CORNER, 1.01),
        xticks=[0, _CORNER],
        yticks=[1 - _CORNER, 1],
    )
    corner.set_title("upper left corner", fontsize=theme.SMALL_SIZE)
    in_percent(corner, "both")
    for each in (axes, corner):
        _draw_roc_lines(each, tests, cues, clip=each is corner)
        _draw_points(each, points, cues, clip=each is corner)


def _draw_roc_lines(
    axes: Axes, tests: Mapping[str, pd.DataFrame], cues: Cues, *, clip: bool
) -> None:
    # Here, because scikit-learn takes seconds to load and every kedro command imports this file.
    from sklearn.metrics import roc_curve

    for model, test in tests.items():
        x, y, _ = roc_curve(test["is_positive"], test["score"], drop_intermediate=False)
        axes.plot(x, y, cues[model].line, color=cues[model].colour, label=model, clip_on=clip)


def _draw_points(axes: Axes, points: pd.DataFrame, cues: Cues, *, clip: bool) -> None:
    edge = {"markeredgecolor": theme.PAPER, "markeredgewidth": 0.8, "markersize": 7.5}
    for point in points.itertuples():
        place, name = (
            (1 - point.specificity, point.sensitivity),
            f"operating point of {point.model}",
        )
        colour, marker, _ = cues[str(point.model)]
        axes.plot(*place, marker, color=colour, label=name, clip_on=clip, zorder=3, **edge)


def _draw_precision_recall(axes: Axes, tests: Mapping[str, pd.DataFrame], cues: Cues) -> None:
    from sklearn.metrics import precision_recall_curve

    axes.set(title="Precision and recall", xlabel="recall (sensitivity)", ylabel="precision")
    # Models may have been tested on unlike shares of the study.
    for prevalence in sorted({float(test["is_positive"].mean()) for test in tests.values()}):
        axes.axhline(prevalence, linestyle=":", color=theme.MUTED, linewidth=1, label="guessing")
        text, where = f"guessing: prevalence {prevalence:.1%}", {"textcoords": "offset points"}
        axes.annotate(text, (0, prevalence), xytext=(3, 3), color=theme.MUTED, **where)
    for model, test in tests.items():
        precision, recall, _ = precision_recall_curve(test["is_positive"], test["score"])
        # Steps, not slopes: average precision is the area under them.
        look = {"color": cues[model].colour, "drawstyle": "steps-post", "clip_on": False}
        axes.plot(recall, precision, cues[model].line, label=model, **look)


def _curves_key(models: Sequence[str], points: pd.DataFrame, cues: Cues) -> list[Line2D]:
    key = []
    for model in models:
        colour, marker, line = cues[model]
        look = {"color": colour, "linestyle": line, "label": theme.wrapped(model, 2.9)}
        key.append(Line2D([], [], marker=marker if model in set(points["model"]) else "", **look))
    return key
