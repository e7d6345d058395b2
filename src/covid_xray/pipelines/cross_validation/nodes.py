"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.folds import score_folds
from covid_xray.evaluation.intervals import Intervals
from covid_xray.models.backbone import Backbone
from covid_xray.pipelines.cross_validation.parameters import FoldParameters
from covid_xray.studies.folds import assign_folds, rows_of_fold
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.studies.variants import select_variant
from covid_xray.training.activations import Activations
from covid_xray.training.runs import Run, RunPlan, TrainedRun
from covid_xray.training.settings import TrainingSettings, TransferSettings

Images = NDArray[np.uint8]


def assign_variant_to_folds(
    study_variants: pd.DataFrame,
    transfer: TransferSettings,
    splitting: SplittingParameters,
    cross_validation: FoldParameters,
) -> pd.DataFrame:
    """Assign the variant's radiographs to folds by duplicate group, classes in equal shares."""
    rows = select_variant(study_variants, transfer.variant)
    return assign_folds(rows, cross_validation.n_folds, splitting.seed)


@dataclass(frozen=True)
class FoldNodes:
    """The nodes that differ by backbone.

    Attributes:
        backbone: its cut and head.
    """

    backbone: Backbone

    def train_folds(
        self,
        images: Images,
        augmented_images: Images,
        study_variants: pd.DataFrame,
        folds: pd.DataFrame,
        activations: Activations,
        transfer: TransferSettings,
        training: TrainingSettings,
        splitting: SplittingParameters,
    ) -> Iterator[RunPlan | TrainedRun]:
        """Train on all folds but two, once for each fold that is tested on."""
        from covid_xray.training.transfer import TransferTrainer

        rows = select_variant(study_variants, transfer.variant)
        arrays = {"images": images, "augmented_images": augmented_images}
        runs = [
            Run(
                f"fold_{fold}",
                rows_of_fold(rows, folds, fold, splitting.seed),
                training,
                facts={"variant": transfer.variant, "fold": int(fold)},
            )
            for fold in sorted(folds["fold"].unique())
        ]
        trainer = TransferTrainer(self.backbone, transfer, images, rows)
        yield from trainer.train_runs(runs, activations, arrays, rows)


def summarise_folds(
    fold_predictions: pd.DataFrame, intervals: Intervals
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of every fold, and their mean and standard deviation per backbone."""
    return score_folds(fold_predictions, intervals)
