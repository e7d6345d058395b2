"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import REPORT_SCORES, score_runs, wide_scores
from covid_xray.models.feature_cache import TrunkFeatures
from covid_xray.pipelines.modeling.parameters import BackboneParameters, TransferParameters
from covid_xray.pipelines.modeling.transfer import (
    checked_features,
    predict_rows,
    train_classifier,
    train_on_rows,
    trainer_of,
)
from covid_xray.pipelines.outlook.parameters import OptimiserParameters
from covid_xray.pipelines.reporting.model_comparison import model_row
from covid_xray.split import Split
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.variants import select_variant, undersample
from covid_xray.training.settings import TrainingSettings

Images = NDArray[np.uint8]
KerasModel: TypeAlias = Any


def deal_folds(
    study_variants: pd.DataFrame,
    transfer: TransferParameters,
    splitting: SplittingParameters,
    n_folds: int,
) -> pd.DataFrame:
    """Deal the variant's radiographs to folds by duplicate group, classes in equal shares.

    Returns:
        `group_id, fold`.

    Raises:
        ValueError: if a class has fewer groups than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rows = select_variant(study_variants, transfer.variant)
    originals = rows[rows["array"] == "images"]
    groups = originals.groupby("label")["group_id"].nunique()
    if groups.min() < n_folds:
        raise ValueError(
            f"Class '{groups.idxmin()}' has {groups.min()} duplicate groups, fewer than the "
            f"{n_folds} folds of the cross-validation."
        )
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=splitting.seed)
    dealt = [
        pd.DataFrame({"group_id": originals["group_id"].iloc[held_out].unique(), "fold": fold})
        for fold, (_, held_out) in enumerate(
            folds.split(originals, originals["label"], originals["group_id"])
        )
    ]
    return pd.concat(dealt).sort_values("group_id", ignore_index=True)


def rows_of_fold(
    rows: pd.DataFrame, folds: pd.DataFrame, fold: int, seed: int
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """A variant's rows, dealt anew: one fold is tested on, and the next one decides when to stop.

    Augmented children follow their parents and are only trained on; training classes are
    under-sampled to one size.

    Returns:
        The rows with their new splits, and the position of each in `rows`.
    """
    fold_of_row = rows["group_id"].map(folds.set_index("group_id")["fold"])
    n_folds = folds["fold"].nunique()
    split = pd.Series(Split.TRAIN, index=rows.index, dtype="object")
    split[fold_of_row == fold] = Split.TEST
    split[fold_of_row == (fold + 1) % n_folds] = Split.VALIDATION
    rows = rows.assign(split=split)
    training = undersample(rows[rows["split"] == Split.TRAIN], None, seed)
    held_out = rows[(rows["split"] != Split.TRAIN) & (rows["array"] == "images")]
    chosen = pd.concat([training, held_out]).sort_index()
    return chosen.reset_index(drop=True), chosen.index.to_numpy()


def train_fold(
    images: Images,
    augmented_images: Images,
    study_variants: pd.DataFrame,
    folds: pd.DataFrame,
    trunk_features: TrunkFeatures,
    transfer: TransferParameters,
    training: TrainingSettings,
    splitting: SplittingParameters,
    backbone: BackboneParameters,
    fold: int,
) -> pd.DataFrame:
    """Train on all folds but two, on the features that the grid has cached, and predict those."""
    rows = select_variant(study_variants, transfer.variant)
    trainer = trainer_of(images, rows, backbone, transfer)
    features = checked_features(
        trainer.cut, images, augmented_images, rows, trunk_features, transfer
    )
    dealt, positions = rows_of_fold(rows, folds, fold, splitting.seed)
    train_on_rows(trainer, features, dealt, positions, training, {})
    return predict_rows(trainer.cut, features, dealt, positions, training.batch_size)


def summarise_folds(
    intervals: Intervals, *predictions: pd.DataFrame, backbones: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of every fold, and their mean and standard deviation per backbone.

    Returns:
        `backbone, fold`, and the scores of Table 5; and `backbone, score, mean, sd, n_folds` (the
        sample's standard deviation).
    """
    keys = ["backbone", "fold"]
    n_folds = len(predictions) // len(backbones)
    runs = pd.concat(
        [
            table.assign(backbone=backbones[i // n_folds], fold=i % n_folds)
            for i, table in enumerate(predictions)
        ]
    )
    wide = wide_scores(score_runs(runs, intervals, keys=keys), REPORT_SCORES)
    scores = wide[[*keys, *REPORT_SCORES]]
    long = scores.melt(keys, list(REPORT_SCORES), var_name="score")
    by_score = long.groupby(["backbone", "score"], sort=False)["value"]
    summary = by_score.agg(mean="mean", sd="std", n_folds="size").reset_index()
    return scores, summary


def train_under_optimiser(
    images: Images,
    augmented_images: Images,
    study_variants: pd.DataFrame,
    trunk_features: TrunkFeatures,
    transfer: TransferParameters,
    training: TrainingSettings,
    optimiser: OptimiserParameters,
    class_weights: dict[str, float],
    backbone: BackboneParameters,
) -> tuple[KerasModel, pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Train as the grid does, but with another optimiser.

    Returns:
        The classifier, its history, its summary and its predictions.
    """
    return train_classifier(
        images,
        augmented_images,
        study_variants,
        trunk_features,
        transfer,
        optimiser.applied_to(training),
        class_weights,
        backbone,
    )


def compare_optimisers(
    intervals: Intervals, *models: Any, optimisers: Sequence[str]
) -> pd.DataFrame:
    """Table 5's scores by backbone and optimiser, and how far each training came.

    Args:
        intervals: bootstrap intervals.
        *models: summary, history and predictions of each model, in turn; the optimisers of one
            backbone follow each other.
        optimisers: their names.
    """
    rows = []
    for i, (summary, history, predictions) in enumerate(
        zip(models[::3], models[1::3], models[2::3], strict=True)
    ):
        row = model_row(summary, predictions, intervals)
        reached = {
            "optimiser": optimisers[i % len(optimisers)],
            "epochs_run": summary["epochs_run"],
            "best_epoch": summary["best_epoch"],
            "lowest_val_loss": history["val_loss"].min(),
        }
        rows.append({"backbone": row["backbone"]} | reached | row)
    return pd.DataFrame(rows).drop(columns="covid_weight")
