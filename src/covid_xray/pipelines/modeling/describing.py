"""Nodes that show what a backbone's classifiers learnt: Figures 15 to 17, Annexes 7 to 9."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.class_scores import class_scores, confusion_shares
from covid_xray.evaluation.overfitting import overfitting_notes, overfitting_table
from covid_xray.evaluation.settings import IntervalParameters
from covid_xray.pipelines.modeling.parameters import TransferParameters
from covid_xray.studies.splits import Split

Images = NDArray[np.uint8]
Figure: TypeAlias = Any
_OF_EACH = 2  # right predictions, and wrong ones, in a panel of Figure 16


def score_classes(
    intervals: IntervalParameters, *predictions: pd.DataFrame, names: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of each class and shares of the confusion matrix, with bootstrap intervals.

    Returns:
        `class_weights, label, score, value, low, high, natural, support`; and `class_weights,
        label, predicted, count, share, low, high`.
    """
    options = intervals.model_dump()
    of_model = dict(zip(names, predictions, strict=True))
    return (
        _stacked({name: class_scores(table, **options) for name, table in of_model.items()}),
        _stacked({name: confusion_shares(table, **options) for name, table in of_model.items()}),
    )


def draw_histories(*histories: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, Figure]:
    """Figure 15 and Annexes 7 to 9: learning curves, and the report's symptoms of overfitting."""
    from covid_xray.figures.curves import draw_learning_curves

    symptoms = overfitting_table(dict(zip(names, histories, strict=True)))
    of_model = dict(zip(map(_title, names), histories, strict=True))
    notes = {_title(name): note for name, note in overfitting_notes(symptoms).items()}
    return symptoms, draw_learning_curves(of_model, notes)


def draw_predictions(
    confusion: pd.DataFrame, *predictions: pd.DataFrame, names: Sequence[str]
) -> tuple[Figure, Figure]:
    """Confusion matrices, and Figure 17: softmax confidence of right and wrong predictions."""
    from covid_xray.figures.predictions import draw_confidence, draw_confusion_matrices

    shares = {_title(name): confusion[confusion["class_weights"] == name] for name in names}
    return draw_confusion_matrices(shares), draw_confidence(
        dict(zip(map(_title, names), predictions, strict=True))
    )


def draw_explanations(
    images: Images,
    index: pd.DataFrame,
    transfer: TransferParameters,
    *models: Any,
    names: Sequence[str],
) -> Figure:
    """Figure 16: Grad-CAM of two right and two wrong test predictions of each model.

    Args:
        images: the study's radiographs.
        index: the study's index, in the same order.
        transfer: its seed draws the examples.
        *models: each model's classifier and predictions, in turn.
        names: the models' names.
    """
    from covid_xray.figures.grad_cam import GradCamRow, draw_grad_cam_panels, panel_caption
    from covid_xray.models.grad_cam import grad_cam

    row_of_image = pd.Series(np.arange(len(index)), index=index["image_id"])
    panels = []
    for name, classifier, predictions in zip(names, models[::2], models[1::2], strict=True):
        shown = right_and_wrong(predictions, transfer.seed)
        pixels = images[row_of_image[shown["image_id"]].to_numpy()]
        heatmaps = grad_cam(classifier, pixels, _predicted_positions(shown))
        captions = [
            panel_caption(
                row["image_id"],
                row["label"],
                row["predicted"],
                row[f"probability_{row['predicted']}"],
            )
            for _, row in shown.iterrows()
        ]
        is_right = (shown["predicted"] == shown["label"]).tolist()
        panels.append(GradCamRow(_title(name), pixels, heatmaps, captions, is_right))
    return draw_grad_cam_panels(panels)


def right_and_wrong(predictions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Two right, then two wrong test predictions, drawn at random; fewer where there are fewer."""
    test = predictions[predictions["split"] == Split.TEST].sample(frac=1, random_state=seed)
    is_right = test["predicted"] == test["label"]
    return pd.concat([test[is_right].head(_OF_EACH), test[~is_right].head(_OF_EACH)])


def _predicted_positions(predictions: pd.DataFrame) -> NDArray[np.intp]:
    probabilities = predictions.filter(like="probability_")
    positions: NDArray[np.intp] = probabilities.to_numpy().argmax(axis=1)
    return positions


def _title(class_weights: str) -> str:
    return class_weights.replace("covid", "COVID").replace("_", " ")


def _stacked(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    named = [table.assign(class_weights=name) for name, table in tables.items()]
    stacked = pd.concat(named, ignore_index=True)
    return stacked[["class_weights", *stacked.columns.drop("class_weights")]]
