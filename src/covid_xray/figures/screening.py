"""Screening for COVID: class proportions, where models look, and their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from covid_xray.figures import theme
from covid_xray.split import Split

_PER_ROW = 2
_PANEL = 4.2  # inches
_TOGETHER = "all"
_CORNER = 0.25  # side of the corner of the ROC that is enlarged

Cues = Mapping[str, tuple[str, str, theme.LineStyle]]


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
        len(heights), columns,
        width=columns * _PANEL + 0.2, height=0.4 * sum(heights) + 0.45 * len(heights) + 0.8,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for place, (title, of_class) in enumerate(counts.items()):
        axes = grid[place // columns, place % columns]
        _draw_proportions(axes, of_class, heights[place // columns])
        axes.set_title(theme.wrapped(title, _PANEL - 0.5), loc="left")
    for axes in grid.flat[len(counts) :]:
        axes.remove()
    theme.add_title(figure, "Proportions of the classes", "Number of radiographs, and their share")
    return figure


def _draw_proportions(axes: Axes, of_class: Mapping[str, int], n_rows: int) -> None:
    colours = theme.class_colours(of_class)
    # All panels of a row have bars of one thickness.
    axes.set_ylim(n_rows - 0.5, -0.5)
    axes.set_xlim(0, 1.5)  # room for the texts
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    total = sum(of_class.values())
    if not total:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.text(0, (n_rows - 1) / 2, "no radiographs", va="center", color=theme.MUTED)
        return
    shares = [n / total for n in of_class.values()]
    bars = axes.barh(
        range(len(shares)), shares, height=0.72, color=[colours[label] for label in of_class]
    )
    texts = [f"{n:,}  ({share:.1%})" for n, share in zip(of_class.values(), shares, strict=True)]
    axes.bar_label(bars, texts, padding=5)
    axes.set_yticks(range(len(shares)), [theme.class_name(label) for label in of_class])
    axes.tick_params(axis="y", length=0, labelsize=theme.TEXT_SIZE)


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
    labels = [str(label) for label in table["label"].unique() if label != _TOGETHER]
    colours = {**theme.class_colours(labels), _TOGETHER: theme.ALL}
    markers = {**theme.class_markers(labels), _TOGETHER: theme.ALL_MARKER}
    models = list(table.groupby("model", sort=False, observed=True))
    heights = [len(rows) for _, rows in models]
    figure, grid = theme.new_figure(
        len(models), 1, height=0.24 * sum(heights) + 0.36 * len(models) + 1.6,
        sharex=True, gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for axes, (model, rows) in zip(grid[:, 0], models, strict=True):
        _draw_lung_attribution_of_model(axes, rows, colours, markers)
        axes.set_title(theme.wrapped(str(model), 5.5), loc="left")
    grid[0, 0].set_xlim(0, 1)
    grid[-1, 0].xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(handles=_lung_attribution_key(), loc="outside lower left")
    theme.add_title(
        figure,
        "How much of their evidence the models find in the lungs",
        "Share of each Grad-CAM heatmap inside the lung mask, mean over test radiographs",
    )
    return figure


def _draw_lung_attribution_of_model(
    axes: Axes, rows: pd.DataFrame, colours: Mapping[str, str], markers: Mapping[str, str]
) -> None:
    for place, row in enumerate(rows.to_dict("records")):
        label = str(row["label"])
        axes.plot(row["lung_area"], place, **_area_style())
        if np.isnan(row["mass_inside"]):
            axes.text(
                0.01, place, "no evidence", va="center", color=theme.MUTED,
                fontsize=theme.SMALL_SIZE,
            )  # fmt: skip
            continue
        # Not error bars: a percentile interval may lie beside the mean, and these must not.
        axes.hlines(
            place, row["mass_inside_low"], row["mass_inside_high"], color=colours[label],
            linewidth=1.5 * theme.LINE, alpha=theme.POINT,
        )  # fmt: skip
        axes.plot(
            row["mass_inside"], place, markers[label], color=colours[label],
            # A star looks smaller than the others.
            markersize=11 if label == _TOGETHER else 7,
            markeredgecolor=theme.PAPER, markeredgewidth=0.6, label=label, clip_on=False,
        )  # fmt: skip
    names = ["all classes" if name == _TOGETHER else theme.class_name(str(name))
             for name in rows["label"]]  # fmt: skip
    axes.set_yticks(
        range(len(rows)), [f"{name} (n = {n:,})" for name, n in zip(names, rows["n"], strict=True)]
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    theme.light_grid(axes, "x")


def _area_style() -> dict[str, Any]:
    return {
        "marker": "|",
        "linestyle": "none",
        "color": theme.REFERENCE,
        "markersize": 12,
        "markeredgewidth": theme.LINE,
        "label": "area of the lungs in the picture: what evidence everywhere alike would give",
    }


def _lung_attribution_key() -> list[Line2D]:
    evidence = Line2D(
        [], [], color=theme.MUTED, marker="o", markersize=7, linewidth=1.5 * theme.LINE,
        label="evidence inside the lungs, with its bootstrap interval",
    )  # fmt: skip
    return [evidence, Line2D([], [], **_area_style())]


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
    figure, grid = theme.new_figure(
        1, 2, width=2 * _PANEL + 0.2, height=_PANEL + 0.65 + 0.19 * -(-len(drawn) // 2)
    )
    roc, precision_recall = grid[0]
    _draw_roc(roc, drawn, points, cues)
    _draw_precision_recall(precision_recall, drawn, cues)
    for axes in grid[0]:
        _finish_unit_square(axes)
    figure.legend(
        handles=_curves_key(list(drawn), points, cues),
        loc="outside lower left",
        ncols=2,
        handlelength=3.6,
    )
    theme.add_title(
        figure,
        "How well the models screen the test radiographs",
        _curves_note([model for model in tests if model not in drawn]),
    )
    return figure


def _draw_roc(
    axes: Axes, tests: Mapping[str, pd.DataFrame], points: pd.DataFrame, cues: Cues
) -> None:
    axes.plot([0, 1], [0, 1], ":", color=theme.MUTED, linewidth=1, label="guessing")
    axes.text(
        0.22, 0.19, "guessing", rotation=45, rotation_mode="anchor", va="top",
        color=theme.MUTED, fontsize=theme.SMALL_SIZE,
    )  # fmt: skip
    # Below the diagonal, where no curve should be; good models crowd in the corner it enlarges.
    corner = axes.inset_axes((0.61, 0.09, 0.36, 0.36))
    theme.style_ticks(corner)
    for each in (axes, corner):
        _draw_roc_lines(each, tests, cues, clip=each is corner)
        _draw_points(each, points, cues, clip=each is corner)
    axes.set_title("ROC")
    axes.set_xlabel("1 − specificity")
    axes.set_ylabel("sensitivity")
    corner.set_title("upper left corner", fontsize=theme.SMALL_SIZE)
    corner.set_xlim(-0.01, _CORNER)
    corner.set_ylim(1 - _CORNER, 1.01)
    corner.set_xticks([0, _CORNER])
    corner.set_yticks([1 - _CORNER, 1])
    _in_percent(corner)


def _draw_roc_lines(
    axes: Axes, tests: Mapping[str, pd.DataFrame], cues: Cues, *, clip: bool
) -> None:
    # Here, because scikit-learn takes seconds to load and every kedro command imports this file.
    from sklearn.metrics import roc_curve

    for model, test in tests.items():
        colour, _, style = cues[model]
        false_alarms, sensitivity, _ = roc_curve(
            test["is_positive"], test["score"], drop_intermediate=False
        )
        axes.plot(false_alarms, sensitivity, style, color=colour, label=model, clip_on=clip)


def _draw_points(axes: Axes, points: pd.DataFrame, cues: Cues, *, clip: bool) -> None:
    for point in points.to_dict("records"):
        colour, marker, _ = cues[str(point["model"])]
        axes.plot(
            1 - point["specificity"], point["sensitivity"], marker, color=colour, markersize=7.5,
            markeredgecolor=theme.PAPER, markeredgewidth=0.8, clip_on=clip, zorder=3,
            label=f"operating point of {point['model']}",
        )  # fmt: skip


def _draw_precision_recall(axes: Axes, tests: Mapping[str, pd.DataFrame], cues: Cues) -> None:
    from sklearn.metrics import precision_recall_curve

    # Models may have been tested on unlike shares of the study.
    for prevalence in sorted({float(test["is_positive"].mean()) for test in tests.values()}):
        axes.axhline(prevalence, linestyle=":", color=theme.MUTED, linewidth=1, label="guessing")
        axes.annotate(
            f"guessing: prevalence {prevalence:.1%}", (0, prevalence), xytext=(3, 3),
            textcoords="offset points", color=theme.MUTED, fontsize=theme.SMALL_SIZE,
        )  # fmt: skip
    for model, test in tests.items():
        colour, _, style = cues[model]
        precision, recall, _ = precision_recall_curve(test["is_positive"], test["score"])
        # Steps, not slopes: average precision is the area under them.
        axes.plot(
            recall, precision, style, color=colour, label=model, clip_on=False,
            drawstyle="steps-post",
        )  # fmt: skip
    axes.set_title("Precision and recall")
    axes.set_xlabel("recall (sensitivity)")
    axes.set_ylabel("precision")


def _finish_unit_square(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_box_aspect(1)
    _in_percent(axes)


def _in_percent(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    theme.light_grid(axes, "both")


def _curves_key(models: Sequence[str], points: pd.DataFrame, cues: Cues) -> list[Line2D]:
    marked = set(points["model"])
    return [
        Line2D(
            [], [], color=cues[model][0], linestyle=cues[model][2],
            marker=cues[model][1] if model in marked else "none",
            label=theme.wrapped(model, 2.9),
        )
        for model in models
    ]  # fmt: skip


def _curves_note(left_out: Sequence[str]) -> str:
    note = "Markers are the operating points chosen on the validation split"
    if not left_out:
        return note
    return f"{note}; no curve without both positive and negative radiographs: {', '.join(left_out)}"
