"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from covid_xray.evaluation.folds import score_folds
from covid_xray.evaluation.intervals import Intervals
from covid_xray.models.backbone import Backbone
from covid_xray.pipelines.cross_validation.parameters import FoldParameters
from covid_xray.studies.augmented_sets import setting_arrays
from covid_xray.studies.folds import assign_folds, plan_folds
from covid_xray.studies.parameters import (
    AugmentationParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.pixels import Images, unique_rows
from covid_xray.training.activations import Activations
from covid_xray.training.runs import Run, RunPlan, TrainedRun
from covid_xray.training.settings import TrainingSettings, TransferSettings

if TYPE_CHECKING:
    from covid_xray.training.transfer import TransferTrainer


def plan_study_folds(
    splits: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    transfer: TransferSettings,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    sharpness: SharpnessParameters,
    cross_validation: FoldParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Assign the study's radiographs to folds by duplicate group, and prepare each fold anew.

    Returns:
        The folds; table `RUN_ROWS`, a run per fold; and table `AUGMENTED_SETS`.
    """
    folds = assign_folds(splits, cross_validation.n_folds, splitting.seed)
    prepared = plan_folds(
        splits, radiograph_features, folds, transfer.variant, splitting, augmentation, sharpness
    )
    return folds, *prepared


@dataclass(frozen=True)
class FoldNodes:
    """The nodes that differ by backbone.

    Attributes:
        backbone: its cut and head.
    """

    backbone: Backbone

    def extract_fold_activations(
        self,
        images: Images,
        masks: Images,
        fold_rows: pd.DataFrame,
        fold_augmented_sets: pd.DataFrame,
        transfer: TransferSettings,
    ) -> Activations:
        """Pass all that any fold sees once through the frozen trunk."""
        arrays = setting_arrays(images, masks, fold_augmented_sets)
        return self._trainer(images, fold_rows, transfer).activations(
            arrays, unique_rows(fold_rows)
        )

    def train_folds(
        self,
        images: Images,
        masks: Images,
        fold_rows: pd.DataFrame,
        fold_augmented_sets: pd.DataFrame,
        fold_activations: Activations,
        transfer: TransferSettings,
        training: TrainingSettings,
    ) -> Iterator[RunPlan | TrainedRun]:
        """Train on all folds but two, once for each fold that is tested on."""
        arrays = setting_arrays(images, masks, fold_augmented_sets)
        runs = [
            Run(
                str(name),
                rows.drop(columns="run").reset_index(drop=True),
                training,
                facts={"variant": transfer.variant, "fold": fold},
            )
            for fold, (name, rows) in enumerate(fold_rows.groupby("run", sort=False))
        ]
        trainer = self._trainer(images, fold_rows, transfer)
        yield from trainer.train_runs(runs, fold_activations, arrays, unique_rows(fold_rows))

    def _trainer(
        self, images: Images, fold_rows: pd.DataFrame, transfer: TransferSettings
    ) -> TransferTrainer:
        from covid_xray.training.transfer import TransferTrainer

        # All folds share one trunk: a random one is calibrated on the first fold's training rows.
        first = fold_rows[fold_rows["run"] == fold_rows["run"].iloc[0]]
        return TransferTrainer(self.backbone, transfer, images, first.reset_index(drop=True))


def summarise_folds(
    fold_predictions: pd.DataFrame, intervals: Intervals
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of every fold, and their mean and standard deviation per backbone."""
    return score_folds(fold_predictions, intervals)
