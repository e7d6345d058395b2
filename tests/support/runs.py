"""A small study whose runs train in a moment, and catalogs to run pipelines on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from covid_xray.datasets import ActivationsDataset, LiteRTModelsDataset, RunStoreDataset
from covid_xray.evaluation.intervals import Intervals
from covid_xray.imaging.arrays import RowStream
from covid_xray.models.backbone import BACKBONES
from covid_xray.training.activations import Activations
from covid_xray.training.settings import TrainingSettings, TransferSettings
from support.memory import KeptDataset

CLASSES = ["COVID", "Normal", "Viral Pneumonia"]
PROBABILITIES = [f"probability_{name}" for name in CLASSES]
RNG = np.random.default_rng(8)
IMAGES = RNG.integers(0, 256, (18, 40, 40)).astype(np.uint8)
AUGMENTED = RNG.integers(0, 256, (3, 40, 40)).astype(np.uint8)
ARRAYS = {"images": IMAGES, "augmented_images": AUGMENTED}
TRAINING = TrainingSettings(learning_rate=1e-3, batch_size=3, epochs=2, patience=2, seed=1)
TRANSFER = TransferSettings(
    variant="balanced_augmented",
    weights="none",
    input_side=32,
    feature_batch_size=8,
    feature_dtype="float32",
    seed=1,
)
INTERVALS = Intervals(n_resamples=100, confidence=0.95, seed=1)


def _row_list() -> pd.DataFrame:
    """Six radiographs of each class, and an augmented image of each class's first."""
    rows = pd.DataFrame({"array": "images", "row": range(18), "label": np.repeat(CLASSES, 6)})
    rows["split"] = ["train", "train", "train", "validation", "test", "test"] * 3
    augmented = pd.DataFrame({"array": "augmented_images", "row": range(3), "label": CLASSES})
    rows = pd.concat([rows, augmented.assign(split="train")], ignore_index=True)
    rows["image_id"] = [f"{a}-{r}" for a, r in zip(rows["array"], rows["row"], strict=True)]
    source = np.where(rows["array"] == "images", rows["row"], 6 * rows["row"])
    return rows.assign(variant="balanced_augmented", group_id=[f"group-{row}" for row in source])


ROWS = _row_list()
ORIGINALS = ROWS[ROWS["array"] == "images"]
HELD_OUT = ROWS[ROWS["split"] != "train"]

# What every pipeline that trains on a backbone's activations reads.
STUDY: dict[str, Any] = {
    **ARRAYS,
    "study_variants": ROWS,
    "radiograph_index": ORIGINALS[["image_id", "label"]],
    "params:modeling.transfer": TRANSFER,
    "params:modeling.training": TRAINING,
    "params:intervals": INTERVALS,
}
_ON_DISK = {
    "_activations": (ActivationsDataset, ".npy"),
    "_classifiers": (RunStoreDataset, ""),
    "_lite_models": (LiteRTModelsDataset, ""),
}


def _dataset(folder: Path, name: str) -> AbstractDataset[Any, Any]:
    for ending, (kind, suffix) in _ON_DISK.items():
        if name.endswith(ending):
            return kind(filepath=str(folder / f"{name}{suffix}"))
    return KeptDataset()


def run_on_study(folder: Path, pipeline: Pipeline, **given: Any) -> DataCatalog:
    """Run a pipeline on the small study; models and activations lie in a folder.

    Args:
        folder: where runs, activations and exported models are kept; those of a former run are
            read from there.
        pipeline: what to run.
        **given: datasets and parameters by name, besides or instead of the study's.

    Returns:
        Every dataset that the pipeline reads or makes.
    """
    known = STUDY | given
    catalog = DataCatalog(
        {name: _dataset(folder, name) for name in pipeline.datasets() if name not in known}
        | {name: KeptDataset(data) for name, data in known.items() if name in pipeline.inputs()}
    )
    SequentialRunner().run(pipeline, catalog)
    return catalog


def make_activations() -> Activations:
    """Activations of the study in the trunk of a backbone, the tiny one under `tiny_backbones`."""
    from covid_xray.training.transfer import TransferTrainer

    made = TransferTrainer(BACKBONES[0], TRANSFER, IMAGES, ROWS).activations(ARRAYS, ROWS)
    assert isinstance(made.rows, RowStream)
    return Activations(made.record, made.rows.collect())


def altered(array: Any, row: int) -> Any:
    """An array with one pixel of a row changed by one."""
    changed = array.copy()
    changed[row, 0, 0] ^= 1
    return changed
