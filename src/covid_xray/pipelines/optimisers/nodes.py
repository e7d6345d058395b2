"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import RUN_KEYS, known_scores, score_runs, wide_scores
from covid_xray.models.backbone import Backbone
from covid_xray.pipelines.optimisers.parameters import OptimiserParameters
from covid_xray.studies.variants import select_variant
from covid_xray.training.activations import Activations
from covid_xray.training.runs import Run, RunPlan, TrainedRun
from covid_xray.training.settings import TrainingSettings, TransferSettings

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class OptimiserNodes:
    """The nodes that differ by backbone.

    Attributes:
        backbone: its cut and head.
    """

    backbone: Backbone

    def train_under_optimisers(
        self,
        images: Images,
        augmented_images: Images,
        study_variants: pd.DataFrame,
        activations: Activations,
        transfer: TransferSettings,
        training: TrainingSettings,
        optimisers: dict[str, dict[str, str | float]],
    ) -> Iterator[RunPlan | TrainedRun]:
        """Train as `modeling` does, classes of equal weight, once under each optimiser."""
        from covid_xray.training.transfer import TransferTrainer

        rows = select_variant(study_variants, transfer.variant)
        arrays = {"images": images, "augmented_images": augmented_images}
        runs = [
            Run(
                name,
                rows,
                OptimiserParameters.model_validate(setting).applied_to(training),
                facts={"variant": transfer.variant},
            )
            for name, setting in optimisers.items()
        ]
        trainer = TransferTrainer(self.backbone, transfer, images, rows)
        yield from trainer.train_runs(runs, activations, arrays, rows)


def compare_optimisers(
    optimiser_runs: pd.DataFrame,
    optimiser_histories: pd.DataFrame,
    optimiser_predictions: pd.DataFrame,
    intervals: Intervals,
) -> pd.DataFrame:
    """Table 5's scores by backbone and optimiser, and how far each training came.

    Returns:
        The table of runs with `lowest_val_loss`, and the scores as `wide_scores` gives them.
    """
    keys = list(RUN_KEYS)
    lowest = optimiser_histories.groupby(keys)["val_loss"].min().rename("lowest_val_loss")
    by_class = score_runs(optimiser_predictions, intervals)
    scores = wide_scores(by_class, known_scores(by_class))
    return optimiser_runs.join(lowest, on=keys).merge(scores, on=keys, how="left")
