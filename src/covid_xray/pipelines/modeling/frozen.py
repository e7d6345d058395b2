"""Nodes that train heads on frozen backbones: Tables 3 and 4, and the Laplacian sweep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.imaging.arrays import digest
from covid_xray.imaging.augmentation import Augmentation, augment_radiographs
from covid_xray.models.feature_cache import TrunkFeatures
from covid_xray.models.settings import TrainingSettings
from covid_xray.pipelines.modeling.grid import AUGMENTED_SETS
from covid_xray.pipelines.modeling.parameters import (
    AugmentedSet,
    FrozenParameters,
    TransferParameters,
)
from covid_xray.pipelines.modeling.transfer import (
    features_key,
    features_of,
    predict_rows,
    train_on_rows,
    trainer_of,
)
from covid_xray.split import Split
from covid_xray.studies.parameters import (
    AugmentationParameters,
    ReadingParameters,
)
from covid_xray.studies.pixels import (
    MaskedImages,
    PixelArrays,
    digest_pixels,
    positions_in,
    read_batches,
)

if TYPE_CHECKING:
    from covid_xray.models.trunk import CutClassifier
    from covid_xray.training.fitting import TailTrainer

Images = NDArray[np.uint8]
_ORIGINALS = ("images", "masked_images")
PREDICTION_COLUMNS = ["run", "image_id", "split", "label", "predicted"]


def extract_original_features(
    images: Images,
    lung_masks: Images,
    augmentation_rows: pd.DataFrame,
    laplacian_rows: pd.DataFrame,
    transfer: TransferParameters,
    frozen: FrozenParameters,
) -> TrunkFeatures:
    """Pass the radiographs of Table 3 and of the sweep through the frozen backbone, masked too."""
    rows = original_rows(augmentation_rows, laplacian_rows)
    cut = _augmentation_trainer(images, augmentation_rows, transfer, frozen).cut
    return features_of(cut, _originals(images, lung_masks), rows, transfer)


def extract_children_features(
    images: Images,
    lung_masks: Images,
    augmentation_rows: pd.DataFrame,
    augmentation_children: pd.DataFrame,
    augmentation: AugmentationParameters,
    reading: ReadingParameters,
    transfer: TransferParameters,
    frozen: FrozenParameters,
    name: str,
) -> TrunkFeatures:
    """Augment the children of one set and pass them through the frozen backbone.

    The children themselves are gone afterwards: for Table 2's sizes they take 0.6 GB a set.
    """
    from covid_xray.models.trunk import trunk_features

    plan = augmentation_children[augmentation_children["set"] == name]
    of_set = AUGMENTED_SETS[name]
    cut = _augmentation_trainer(images, augmentation_rows, transfer, frozen).cut

    def batches() -> Iterator[Images]:
        # Only when the activations are asked for, which those of an unchanged key are not.
        children, masks = augment_radiographs(
            images,
            lung_masks,
            plan["parent_row"].tolist(),
            plan["seed"].tolist(),
            Augmentation.of_report(of_set.n_layers, of_set.factor),
            workers=augmentation.workers,
            scratch_folder=reading.scratch_folder,
        )
        arrays = {name: MaskedImages(children, masks) if of_set.masked else children}
        rows = plan[["row"]].assign(array=name)
        description = f"Trunk of {cut.whole.name}, {name}"
        yield from read_batches(arrays, rows, transfer.feature_batch_size, description)

    return TrunkFeatures(
        _children_key(cut, images, lung_masks, plan, of_set, transfer),
        trunk_features(cut, batches(), len(plan), transfer.feature_dtype),
    )


def train_augmentation_settings(
    images: Images,
    lung_masks: Images,
    augmentation_settings: pd.DataFrame,
    augmentation_rows: pd.DataFrame,
    augmentation_children: pd.DataFrame,
    laplacian_rows: pd.DataFrame,
    transfer: TransferParameters,
    frozen: FrozenParameters,
    original_features: TrunkFeatures,
    *children_features: TrunkFeatures,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train a head per setting of Table 2, and one per Laplacian threshold.

    Returns:
        For the settings, then for the thresholds: `run, backbone, weights, n_train, note`; and the
        predictions of held-out radiographs, `run, image_id, split, label, predicted,
        probability_<class>`.
    """
    trainer = _augmentation_trainer(images, augmentation_rows, transfer, frozen)
    cut = trainer.cut
    originals = original_rows(augmentation_rows, laplacian_rows)
    key = features_key(cut, _originals(images, lung_masks), originals, transfer)
    stored, features = [originals], [original_features.checked(key)]
    for (name, of_set), of_children in zip(AUGMENTED_SETS.items(), children_features, strict=True):
        plan = augmentation_children[augmentation_children["set"] == name]
        key = _children_key(cut, images, lung_masks, plan, of_set, transfer)
        stored.append(plan[["row"]].assign(array=name))
        features.append(of_children.checked(key))
    every, joined = pd.concat(stored, ignore_index=True), np.concatenate(features)
    batch_sizes = augmentation_settings[["run", "batch_size"]].itertuples(index=False)
    settings = {
        str(run): frozen.training.model_copy(update={"batch_size": int(size)})
        for run, size in batch_sizes
    }
    thresholds = dict.fromkeys(laplacian_rows["run"].unique(), frozen.training)
    classes = set(augmentation_rows["label"])
    scored = []
    for rows, of_runs in ((augmentation_rows, settings), (laplacian_rows, thresholds)):
        runs, predictions = _train_runs(trainer, joined, every, rows, of_runs, classes)
        runs.insert(1, "backbone", frozen.augmentation_backbone)
        runs.insert(2, "weights", transfer.weights_for(frozen.augmentation_backbone))
        scored += [runs, predictions]
    return tuple(scored)  # type: ignore[return-value]


def extract_variant_features(
    images: Images,
    augmented_images: Images,
    autoencoded_images: Images,
    lung_masks: Images,
    preprocessing_rows: pd.DataFrame,
    transfer: TransferParameters,
    frozen: FrozenParameters,
) -> TrunkFeatures:
    """Pass every radiograph of Table 4's variants once through the frozen backbone."""
    cut = _preprocessing_trainer(images, preprocessing_rows, transfer, frozen).cut
    arrays = _variant_arrays(images, augmented_images, autoencoded_images, lung_masks)
    return features_of(cut, arrays, unique_rows(preprocessing_rows), transfer)


def train_preprocessing_variants(
    images: Images,
    augmented_images: Images,
    autoencoded_images: Images,
    lung_masks: Images,
    preprocessing_rows: pd.DataFrame,
    variant_features: TrunkFeatures,
    transfer: TransferParameters,
    frozen: FrozenParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train a head per variant of Table 4.

    Returns:
        `run, backbone, weights, n_train, note`, and the predictions of held-out radiographs.
    """
    trainer = _preprocessing_trainer(images, preprocessing_rows, transfer, frozen)
    arrays = _variant_arrays(images, augmented_images, autoencoded_images, lung_masks)
    stored = unique_rows(preprocessing_rows)
    features = variant_features.checked(features_key(trainer.cut, arrays, stored, transfer))
    settings = dict.fromkeys(preprocessing_rows["run"].unique(), frozen.training)
    classes = set(preprocessing_rows["label"])
    runs, predictions = _train_runs(
        trainer, features, stored, preprocessing_rows, settings, classes
    )
    runs.insert(1, "backbone", frozen.preprocessing_backbone)
    runs.insert(2, "weights", transfer.weights_for(frozen.preprocessing_backbone))
    return runs, predictions


def unique_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Every radiograph that some run needs, once, array by array."""
    return (
        rows[["array", "row"]]
        .drop_duplicates()
        .sort_values(["array", "row"], ascending=[False, True], ignore_index=True)
    )


def original_rows(*of_runs: pd.DataFrame) -> pd.DataFrame:
    """Every radiograph of the study that some run needs, as it is or masked, once."""
    rows = unique_rows(pd.concat(of_runs))
    return rows[rows["array"].isin(_ORIGINALS)].reset_index(drop=True)


def _train_runs(
    trainer: TailTrainer,
    features: NDArray[np.generic],
    stored: pd.DataFrame,
    rows_of_runs: pd.DataFrame,
    settings: dict[str, TrainingSettings],
    classes: set[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    runs: list[dict[str, Any]] = []
    predictions = [pd.DataFrame(columns=PREDICTION_COLUMNS)]
    for run, training in settings.items():
        rows = rows_of_runs[rows_of_runs["run"] == run].reset_index(drop=True)
        note = _why_untrainable(rows, classes)
        n_train = 0 if note else int((rows["split"] == Split.TRAIN).sum())
        runs.append({"run": run, "n_train": n_train, "note": note})
        if not note:
            table = _train_run(trainer, features, positions_in(stored, rows), rows, training)
            predictions.append(table.assign(run=run))
    return pd.DataFrame(runs), pd.concat(predictions, ignore_index=True)


def _train_run(
    trainer: TailTrainer,
    features: NDArray[np.generic],
    positions: NDArray[np.intp],
    rows: pd.DataFrame,
    training: TrainingSettings,
) -> pd.DataFrame:
    train_on_rows(trainer, features, rows, positions, training, {})
    return predict_rows(trainer.cut, features, rows, positions, training.batch_size)


def _why_untrainable(rows: pd.DataFrame, classes: set[str]) -> str:
    """Why a run can't be trained; empty if it can."""
    for split in Split:
        lacking = sorted(classes - set(rows.loc[rows["split"] == split, "label"]))
        if lacking:
            return f"not trained: no {split} radiograph of {', '.join(lacking)}"
    return ""


def _augmentation_trainer(
    images: Images, rows: pd.DataFrame, transfer: TransferParameters, frozen: FrozenParameters
) -> TailTrainer:
    return trainer_of(images, rows, frozen.backbone(frozen.augmentation_backbone), transfer)


def _preprocessing_trainer(
    images: Images, rows: pd.DataFrame, transfer: TransferParameters, frozen: FrozenParameters
) -> TailTrainer:
    return trainer_of(images, rows, frozen.backbone(frozen.preprocessing_backbone), transfer)


def _originals(images: Images, lung_masks: Images) -> PixelArrays:
    return {"images": images, "masked_images": MaskedImages(images, lung_masks)}


def _variant_arrays(
    images: Images, augmented_images: Images, autoencoded_images: Images, lung_masks: Images
) -> PixelArrays:
    return {
        **_originals(images, lung_masks),
        "augmented_images": augmented_images,
        "autoencoded_images": autoencoded_images,
    }


def _children_key(
    cut: CutClassifier,
    images: Images,
    lung_masks: Images,
    plan: pd.DataFrame,
    of_set: AugmentedSet,
    transfer: TransferParameters,
) -> dict[str, str | int]:
    """Children follow from their parents, seeds and transformations; no need to make them anew."""
    from covid_xray.models.trunk import trunk_key

    array = "masked_images" if of_set.masked else "images"
    parents = pd.DataFrame({"array": array, "row": np.unique(plan["parent_row"])})
    recipe = plan[["image_id", "parent_row", "seed"]].to_csv(index=False) + repr(of_set)
    return trunk_key(cut, transfer.feature_dtype) | {
        "images": digest_pixels(_originals(images, lung_masks), parents),
        "augmentation": digest(recipe.encode()),
    }
