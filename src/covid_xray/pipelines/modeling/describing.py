"""Nodes that show what a backbone's classifiers learnt: Figures 15 to 17, Annexes 7 to 9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.overfitting import overfitting_notes, overfitting_table
from covid_xray.evaluation.scoring import (
    confusion_shares_of_runs,
    score_runs,
)
from covid_xray.pipelines.modeling.parameters import TransferParameters
from covid_xray.split import Split
from covid_xray.studies.pixels import MaskedImages

if TYPE_CHECKING:
    from covid_xray.figures.grad_cam import GradCamRow

Images = NDArray[np.uint8]
Figure: TypeAlias = Any
_OF_EACH = 2  # right predictions, and wrong ones, in a panel of Figure 16


def score_classes(
    intervals: Intervals,
    *predictions: pd.DataFrame,
    names: Sequence[str],
    key: str = "class_weights",
    balance: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of each class and shares of the confusion matrix, with bootstrap intervals.

    Args:
        intervals: bootstrap intervals.
        *predictions: of each model.
        names: the models' names.
        key: name of the column of names.
        balance: whether the scores weigh the classes equally.

    Returns:
        `<key>, label, score, value, low, high, natural, support`; and `<key>, label, predicted,
        count, share, low, high`.
    """
    runs = pd.concat(
        [table.assign(**{key: name}) for name, table in zip(names, predictions, strict=True)]
    )
    scores = score_runs(runs, intervals, balance=balance, keys=[key])
    return scores, confusion_shares_of_runs(runs, intervals, keys=[key])


def draw_histories(
    *histories: pd.DataFrame, names: Sequence[str], titles: Mapping[str, str]
) -> tuple[pd.DataFrame, Figure]:
    """Figure 15 and Annexes 7 to 9: learning curves, and the report's symptoms of overfitting."""
    from covid_xray.figures.curves import draw_learning_curves

    symptoms = overfitting_table(dict(zip(names, histories, strict=True)))
    of_model = dict(zip((titles[name] for name in names), histories, strict=True))
    notes = {titles[name]: note for name, note in overfitting_notes(symptoms).items()}
    return symptoms, draw_learning_curves(of_model, notes)


def draw_predictions(
    confusion: pd.DataFrame,
    *predictions: pd.DataFrame,
    names: Sequence[str],
    titles: Mapping[str, str],
    key: str = "class_weights",
) -> tuple[Figure, Figure]:
    """Confusion matrices, and Figure 17: softmax confidence of right and wrong predictions."""
    from covid_xray.figures.predictions import draw_confidence, draw_confusion_matrices

    shares = {titles[name]: confusion[confusion[key] == name] for name in names}
    return draw_confusion_matrices(shares), draw_confidence(
        dict(zip((titles[name] for name in names), predictions, strict=True))
    )


def draw_explanations(
    images: Images,
    index: pd.DataFrame,
    transfer: TransferParameters,
    *models: Any,
    titles: Sequence[str],
) -> Figure:
    """Figure 16: Grad-CAM of two right and two wrong test predictions of each model.

    Args:
        images: the study's radiographs.
        index: the study's index, in the same order.
        transfer: its seed draws the examples.
        *models: each model's classifier and predictions, in turn.
        titles: the models' names.
    """
    from covid_xray.figures.grad_cam import draw_grad_cam_panels

    row_of = pd.Series(np.arange(len(index)), index=index["image_id"])
    return draw_grad_cam_panels(
        [
            grad_cam_row(title, classifier, predictions, images, row_of, transfer.seed)
            for title, classifier, predictions in zip(
                titles, models[::2], models[1::2], strict=True
            )
        ]
    )


def grad_cam_row(
    title: str,
    classifier: Any,
    predictions: pd.DataFrame,
    pixels: Images | MaskedImages,
    row_of: pd.Series,
    seed: int,
) -> GradCamRow:
    """Right and wrong test predictions of a model, explained.

    Args:
        title: name of the model.
        classifier: the model.
        predictions: its predictions.
        pixels: what it sees.
        row_of: row of `pixels` by `image_id`.
        seed: seed of the draw of examples.
    """
    from covid_xray.figures.grad_cam import GradCamRow, panel_caption
    from covid_xray.models.grad_cam import grad_cam

    shown = right_and_wrong(predictions, seed)
    seen = pixels[row_of[shown["image_id"]].to_numpy()]
    heatmaps = grad_cam(classifier, seen, predicted_positions(shown))
    captions = [
        panel_caption(
            row["image_id"], row["label"], row["predicted"], row[f"probability_{row['predicted']}"]
        )
        for _, row in shown.iterrows()
    ]
    is_right = (shown["predicted"] == shown["label"]).tolist()
    return GradCamRow(title, seen, heatmaps, captions, is_right)


def right_and_wrong(predictions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Two right, then two wrong test predictions, drawn at random; fewer where there are fewer."""
    test = predictions[predictions["split"] == Split.TEST].sample(frac=1, random_state=seed)
    is_right = test["predicted"] == test["label"]
    return pd.concat([test[is_right].head(_OF_EACH), test[~is_right].head(_OF_EACH)])


def predicted_positions(predictions: pd.DataFrame) -> NDArray[np.intp]:
    """Position of the likeliest class of each row, in the order of the probability columns."""
    probabilities = predictions.filter(like="probability_")
    positions: NDArray[np.intp] = probabilities.to_numpy().argmax(axis=1)
    return positions
