"""Report A's comparison of models: Table 5, and Figure 14 for one of its backbones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.published import stand_beside
from covid_xray.evaluation.scoring import COVID, REPORT_SCORES, score_predictions, wide_scores

# Our names of keras.applications classes in the words of Report A's Table 5.
REPORT_NAMES = {
    "mobilenet": "MobileNet",
    "efficientnetb0": "EfficientNet",
    "resnet50v2": "ResNet",
    "vgg19": "VGG19",
}


def model_row(
    summary: Mapping[str, Any], predictions: pd.DataFrame, intervals: Intervals
) -> dict[str, Any]:
    """One model's row of Table 5.

    Args:
        summary: the model's summary.
        predictions: its predictions of held-out radiographs.
        intervals: bootstrap intervals.

    Returns:
        What names the model, and its scores as `wide_scores` gives them.
    """
    scores = score_predictions(predictions, intervals)
    n_test = scores["support"].iloc[-1]  # that of all classes
    names = {
        "backbone": REPORT_NAMES.get(summary["backbone"], summary["backbone"]),
        "covid_weight": summary["class_weights"].get(COVID, 1.0),
        "variant": summary["variant"],
        "weights": summary["weights"],
    }
    sizes = {"n_train": summary["n_train"], "n_test": int(n_test)}
    wide = dict(wide_scores(scores, REPORT_SCORES).iloc[0])
    return names | sizes | wide | {"trainable_params": summary["trainable_params"]}


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
    figures = [*REPORT_SCORES, "trainable_params"]
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
        for score in REPORT_SCORES
        for suffix in ("", "_low", "_high", "_natural")
    ]
    table = pd.DataFrame(rows)[["backbone", "covid_weight", *scores]]
    return table.sort_values("covid_weight", ignore_index=True)
