"""A phantom study taken through `data_engineering` in memory, as other pipelines need it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.pipeline import Pipeline

from covid_xray.evaluation.intervals import Intervals
from covid_xray.pipelines.data_engineering import create_pipeline
from covid_xray.studies.parameters import (
    AugmentationParameters,
    DuplicateParameters,
    ReadingParameters,
    SharpnessParameters,
    SplittingParameters,
)
from covid_xray.studies.study import open_study
from support.memory import published, run_in_memory

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
PARAMETERS = {
    "params:reading": ReadingParameters(side=64),
    "params:duplicates": DuplicateParameters(ssim_side=50, min_ssim=0.8, max_hash_distance=2),
    "params:sharpness": SharpnessParameters(thresholds=[30], min_laplacian_variance=30),
    "params:splitting": SplittingParameters(protocol="leak_free", **SHARES, seed=1),
    "params:augmentation": AugmentationParameters(
        images_per_class=20, n_layers=3, factor=0.1, workers=1
    ),
    "params:intervals": Intervals(n_resamples=100, confidence=0.95, seed=1),
}


def without_augmentation() -> Pipeline:
    """`data_engineering` but for the augmented pixels."""
    pipeline = create_pipeline()
    return pipeline - pipeline.only_nodes("data_engineering.augment_study")


def engineer(folder: Path, **changes: Any) -> dict[str, Any]:
    """Everything that a later pipeline may read; augmented images are mirrored source images."""
    of_study = {"radiography_study": open_study(folder), "imported_splits": None}
    given = {**of_study, **published(), **PARAMETERS, **changes}
    made = run_in_memory(without_augmentation(), given)
    rows = made["augmentation_plan"]["source_row"].to_numpy()
    for name in ("images", "masks"):
        made[f"augmented_{name}"] = made[name][rows][:, :, ::-1]
    return given | made
