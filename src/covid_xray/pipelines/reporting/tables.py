"""The reports' tables out of catalogued outputs, ours beside the published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from covid_xray.evaluation.intervals import percentile_interval, resample_confusion
from covid_xray.evaluation.markdown import markdown_table
from covid_xray.evaluation.metrics import (
    REPORT_METRICS,
    balance_classes,
    count_predictions,
    report_scores,
)

COVID = "COVID"
# Our names of keras.applications classes in the words of Report A's Table 5.
REPORT_NAMES = {
    "mobilenet": "MobileNet",
    "efficientnetb0": "EfficientNet",
    "resnet50v2": "ResNet",
    "vgg19": "VGG19",
}
SIZE_FORMATS = {
    "mean_bytes": ",.2f",
    "median_bytes": ",.1f",
    "std_bytes": ",.2f",
    "min_bytes": ",.0f",
    "max_bytes": ",.0f",
    "n_images": ",.0f",
}
SIZE_COLUMNS = list(SIZE_FORMATS)
SCORE_FORMATS = dict.fromkeys(REPORT_METRICS, ".1%") | {"trainable_params": ",.0f"}
NO_WEIGHTS_NOTE = (
    'Models with weights "none" stand on a frozen trunk of random weights: they show that '
    "everything runs, and their scores mean nothing else."
)


def file_size_table(index: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Report A's Table 1: bytes on disk per class, over all radiographs.

    The standard deviation is the sample's (ddof = 1), as the published figures turn out to be.

    Args:
        index: the study's index.
        published: the published table.

    Returns:
        One row per class: each figure, then `<figure>_published` and `<figure>_difference`
        (ours minus published; missing for classes the report does not have).
    """
    sizes = index.groupby("label")["n_bytes"]
    table = sizes.agg(["mean", "median", "std", "min", "max", "size"])
    table.columns = pd.Index(SIZE_COLUMNS)
    return _beside(table, published.set_index("label"), SIZE_COLUMNS).reset_index()


def model_row(
    summary: Mapping[str, Any],
    predictions: pd.DataFrame,
    *,
    n_resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """One model's row of Table 5.

    Args:
        summary: the model's summary.
        predictions: its predictions of held-out radiographs.
        n_resamples: bootstrap samples.
        confidence: coverage of the intervals.
        seed: seed of the resampling.

    Returns:
        For each score `<score>` (class-balanced, as the report's test set was), `<score>_low`,
        `<score>_high` and `<score>_natural` (at the test set's own prevalence).
    """
    classes = list(summary["classes"])
    covid = classes.index(COVID)
    test = predictions[predictions["split"] == "test"]
    confusion = count_predictions(test["label"].tolist(), test["predicted"].tolist(), classes)
    balanced = report_scores(balance_classes(confusion), covid)
    natural = report_scores(confusion, covid)
    resampled = report_scores(
        balance_classes(resample_confusion(confusion, n_resamples, seed)), covid
    )
    row: dict[str, Any] = {
        "backbone": REPORT_NAMES.get(summary["backbone"], summary["backbone"]),
        "covid_weight": summary["class_weights"].get(COVID, 1.0),
        "variant": summary["variant"],
        "weights": summary["weights"],
        "n_train": summary["n_train"],
        "n_test": len(test),
    }
    for score in REPORT_METRICS:
        low, high = percentile_interval(resampled[score], confidence)
        row |= {
            score: float(balanced[score]),
            f"{score}_low": low,
            f"{score}_high": high,
            f"{score}_natural": float(natural[score]),
        }
    return row | {"trainable_params": summary["trainable_params"]}


def model_comparison_table(
    rows: Sequence[Mapping[str, Any]], published: pd.DataFrame
) -> pd.DataFrame:
    """Report A's Table 5: each model's scores beside the published ones.

    Args:
        rows: one `model_row` per model.
        published: the published table.

    Returns:
        The rows, with `<figure>_published` and `<figure>_difference` for every published one.
    """
    keys = ["backbone", "covid_weight"]
    table = pd.DataFrame(rows).set_index(keys)
    figures = [*REPORT_METRICS, "trainable_params"]
    return _beside(table, published.set_index(keys), figures).reset_index()


def _beside(ours: pd.DataFrame, published: pd.DataFrame, figures: Sequence[str]) -> pd.DataFrame:
    # reindex over a MultiIndex needs equal types on both sides; the weights are numbers in both.
    theirs = published.reindex(ours.index)
    columns = {}
    for figure in figures:
        columns[f"{figure}_published"] = theirs[figure]
        columns[f"{figure}_difference"] = ours[figure] - theirs[figure]
    return ours.assign(**columns)


def render_tables(table_1: pd.DataFrame, table_5: pd.DataFrame) -> str:
    """Both tables as Markdown, each figure with the published one in brackets."""
    models = ["backbone", "covid_weight", "weights", "n_train", "n_test"]
    parts = [
        "# Tables of Report A: ours, and in brackets the published figures",
        "## Table 1: bytes on disk per class",
        _markdown(table_1[["label"]], table_1, SIZE_FORMATS),
        "## Table 5: comparison of models",
        "Scores on the held-out test radiographs, every class weighing the same, with bootstrap "
        "intervals.",
        _markdown(table_5[models], table_5, SCORE_FORMATS),
    ]
    if (table_5["weights"] == "none").any():
        parts.append(NO_WEIGHTS_NOTE)
    return "\n\n".join(parts) + "\n"


def _markdown(keys: pd.DataFrame, table: pd.DataFrame, figures: Mapping[str, str]) -> str:
    cells = keys.astype("str").assign(
        **{
            figure: [_cell(row, figure, form) for _, row in table.iterrows()]
            for figure, form in figures.items()
        }
    )
    return markdown_table(cells)


def _cell(row: pd.Series, figure: str, form: str) -> str:
    text = format(row[figure], form)
    if f"{figure}_low" in row:
        text += f" [{row[f'{figure}_low'] * 100:.1f}-{row[f'{figure}_high'] * 100:.1f}]"
    published = row[f"{figure}_published"]
    return text if np.isnan(published) else f"{text} ({format(published, form)})"
