"""Report A's comparison of models: Table 5, and Figure 14 for one of its backbones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from covid_xray.evaluation.metrics import REPORT_METRICS, report_scores
from covid_xray.evaluation.published import stand_beside
from covid_xray.pipelines.reporting.scoring import score_with_intervals, select_test

COVID = "COVID"
# Our names of keras.applications classes in the words of Report A's Table 5.
REPORT_NAMES = {
    "mobilenet": "MobileNet",
    "efficientnetb0": "EfficientNet",
    "resnet50v2": "ResNet",
    "vgg19": "VGG19",
}


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
        What names the model, and its scores as `score_with_intervals` gives them.
    """
    classes = list(summary["classes"])
    test = select_test(predictions)
    scorer = partial(report_scores, covid=classes.index(COVID))
    scores = score_with_intervals(
        test, classes, scorer, n_resamples=n_resamples, confidence=confidence, seed=seed
    )
    names = {
        "backbone": REPORT_NAMES.get(summary["backbone"], summary["backbone"]),
        "covid_weight": summary["class_weights"].get(COVID, 1.0),
        "variant": summary["variant"],
        "weights": summary["weights"],
    }
    sizes = {"n_train": summary["n_train"], "n_test": len(test)}
    return names | sizes | scores | {"trainable_params": summary["trainable_params"]}


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
    return stand_beside(table, published.set_index(keys), figures).reset_index()


def class_weight_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Report A's Figure 14: scores of one backbone by the weight of COVID in its loss.

    Args:
        rows: one `model_row` per weight.

    Returns:
        `backbone`, `covid_weight`, ascending, and each score with its interval and its natural
        value.

    Raises:
        ValueError: if the rows are of more than one backbone.
    """
    backbones = sorted({str(row["backbone"]) for row in rows})
    if len(backbones) > 1:
        raise ValueError(f"Figure 14 shows one backbone, not {', '.join(backbones)}.")
    scores = [
        f"{score}{suffix}"
        for score in REPORT_METRICS
        for suffix in ("", "_low", "_high", "_natural")
    ]
    table = pd.DataFrame(rows)[["backbone", "covid_weight", *scores]]
    return table.sort_values("covid_weight", ignore_index=True)
