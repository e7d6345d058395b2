"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import pandas as pd

from covid_xray.evaluation.ablation import (
    augmentation_table,
    laplacian_table,
    preprocessing_table,
    score_frozen_runs,
)
from covid_xray.evaluation.intervals import Intervals
from covid_xray.pipelines.ablation.parameters import AblationParameters
from covid_xray.studies.augmentation_settings import CHOSEN, distinct_settings, scale_settings
from covid_xray.studies.augmented_sets import (
    RUN_COLUMNS,
    SettingPlanner,
    setting_arrays,
    threshold_run,
)
from covid_xray.studies.parameters import AugmentationParameters, SplittingParameters
from covid_xray.studies.pixels import (
    AUGMENTED_IMAGES,
    AUTOENCODED_IMAGES,
    IMAGES,
    MASKED_IMAGES,
    Images,
    MaskedImages,
    PixelArrays,
    unique_rows,
)
from covid_xray.studies.variants import MASKED, VARIANTS
from covid_xray.training.activations import Activations
from covid_xray.training.runs import Run, RunPlan, TrainedRun
from covid_xray.training.settings import TrainingSettings, TransferSettings

# A matplotlib Figure. Kedro resolves a node's hints, and naming the class here would load
# matplotlib with the list of pipelines.
Figure: TypeAlias = Any


def plan_augmentation_settings(
    published_table_2: pd.DataFrame,
    splits: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    lung_features: pd.DataFrame,
    splitting: SplittingParameters,
    augmentation: AugmentationParameters,
    ablation: AblationParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Report A's Table 2 as this study scales it, and the rows of its settings and thresholds.

    Returns:
        Tables `TABLE_2` and `AUGMENTED_SETS`, and `RUN_ROWS` of the settings, and of the Laplacian
        thresholds (Report A: 50 down to 30).
    """
    size = augmentation.images_per_class
    table_2 = scale_settings(published_table_2, size)
    settings = distinct_settings(table_2)
    planner = SettingPlanner(splits, radiograph_features, lung_features, splitting)
    augmented_sets = planner.augmented_sets(settings, size)
    (chosen,) = (of for of in settings if of.setting == CHOSEN)
    return (
        table_2,
        augmented_sets,
        planner.setting_rows(settings, augmented_sets),
        planner.threshold_rows(ablation.laplacian_thresholds, chosen, augmented_sets),
    )


def extract_augmentation_activations(
    images: Images,
    lung_masks: Images,
    augmented_sets: pd.DataFrame,
    augmentation_rows: pd.DataFrame,
    laplacian_rows: pd.DataFrame,
    transfer: TransferSettings,
    ablation: AblationParameters,
) -> Activations:
    """Pass what Table 3 and the sweep train on through the frozen backbone, once.

    Augmented images are made batch by batch and kept nowhere: for Table 2's sizes they take
    0.6 GB a set.
    """
    from covid_xray.training.transfer import TransferTrainer

    backbone = ablation.backbone(ablation.augmentation_backbone)
    trainer = TransferTrainer(backbone, transfer, images, augmentation_rows)
    arrays = setting_arrays(images, lung_masks, augmented_sets)
    return trainer.activations(arrays, unique_rows(augmentation_rows, laplacian_rows))


def train_augmentation_settings(
    images: Images,
    lung_masks: Images,
    table_2: pd.DataFrame,
    augmented_sets: pd.DataFrame,
    augmentation_rows: pd.DataFrame,
    laplacian_rows: pd.DataFrame,
    augmentation_activations: Activations,
    transfer: TransferSettings,
    ablation: AblationParameters,
) -> Iterator[RunPlan | TrainedRun]:
    """Train a head per setting of Table 2, and one per Laplacian threshold."""
    from covid_xray.training.transfer import TransferTrainer

    runs = runs_of_settings(table_2, augmentation_rows, ablation.training)
    for threshold in ablation.laplacian_thresholds:
        name = threshold_run(threshold)
        rows, facts = _of_run(laplacian_rows, name), {"threshold": threshold}
        runs.append(Run(name, rows, ablation.training, facts=facts))
    backbone = ablation.backbone(ablation.augmentation_backbone)
    trainer = TransferTrainer(backbone, transfer, images, augmentation_rows)
    arrays = setting_arrays(images, lung_masks, augmented_sets)
    rows = unique_rows(augmentation_rows, laplacian_rows)
    yield from trainer.train_runs(runs, augmentation_activations, arrays, rows)


def runs_of_settings(
    table_2: pd.DataFrame, rows: pd.DataFrame, training: TrainingSettings
) -> list[Run]:
    """The runs of Table 3, each with the batch size of its setting."""
    return [
        _run(
            of.run,
            _of_run(rows, of.run),
            training.model_copy(update={"batch_size": of.batch_size}),
            of.facts(),
            masked=of.masked,
        )
        for of in distinct_settings(table_2)
    ]


def plan_preprocessing_variants(
    study_variants: pd.DataFrame, masked_variant: pd.DataFrame
) -> pd.DataFrame:
    """List the rows of Table 4's variants, the masked one under the chosen masks.

    Returns:
        Table `RUN_ROWS`; the run is the variant.
    """
    unmasked = study_variants[study_variants["variant"] != MASKED]
    rows = pd.concat([unmasked, masked_variant], ignore_index=True)
    return rows.assign(run=rows["variant"])[RUN_COLUMNS]


def extract_preprocessing_activations(
    images: Images,
    augmented_images: Images,
    autoencoded_images: Images,
    lung_masks: Images,
    preprocessing_rows: pd.DataFrame,
    transfer: TransferSettings,
    ablation: AblationParameters,
) -> Activations:
    """Pass every radiograph of Table 4's variants through the frozen backbone, once."""
    from covid_xray.training.transfer import TransferTrainer

    backbone = ablation.backbone(ablation.preprocessing_backbone)
    trainer = TransferTrainer(backbone, transfer, images, preprocessing_rows)
    arrays = _variant_arrays(images, augmented_images, autoencoded_images, lung_masks)
    return trainer.activations(arrays, unique_rows(preprocessing_rows))


def train_preprocessing_variants(
    images: Images,
    augmented_images: Images,
    autoencoded_images: Images,
    lung_masks: Images,
    preprocessing_rows: pd.DataFrame,
    preprocessing_activations: Activations,
    transfer: TransferSettings,
    ablation: AblationParameters,
) -> Iterator[RunPlan | TrainedRun]:
    """Train a head per variant of Table 4."""
    from covid_xray.training.transfer import TransferTrainer

    runs = [
        _run(
            name,
            _of_run(preprocessing_rows, name),
            ablation.training,
            {"variant": name},
            masked=name == MASKED,
        )
        for name in VARIANTS
    ]
    backbone = ablation.backbone(ablation.preprocessing_backbone)
    trainer = TransferTrainer(backbone, transfer, images, preprocessing_rows)
    arrays = _variant_arrays(images, augmented_images, autoencoded_images, lung_masks)
    rows = unique_rows(preprocessing_rows)
    yield from trainer.train_runs(runs, preprocessing_activations, arrays, rows)


def score_augmentation_settings(
    table_2: pd.DataFrame,
    augmentation_runs: pd.DataFrame,
    augmentation_predictions: pd.DataFrame,
    published_table_3: pd.DataFrame,
    ablation: AblationParameters,
    intervals: Intervals,
) -> tuple[pd.DataFrame, pd.DataFrame, Figure]:
    """Report A's Table 3, and the scores by threshold of the Laplacian filter with their figure."""
    from covid_xray.figures.predictions import draw_threshold_scores

    settings, thresholds = (
        score_frozen_runs(
            augmentation_runs, augmentation_predictions, fact, ablation.backbone_names, intervals
        )
        for fact in ("setting", "threshold")
    )
    sweep = laplacian_table(thresholds)
    table_3 = augmentation_table(table_2, settings, published_table_3)
    return table_3, sweep, draw_threshold_scores(sweep)


def make_table_4(
    preprocessing_runs: pd.DataFrame,
    preprocessing_predictions: pd.DataFrame,
    published_table_4: pd.DataFrame,
    ablation: AblationParameters,
    intervals: Intervals,
) -> pd.DataFrame:
    """Report A's Table 4: scores by variant of the study."""
    names = ablation.backbone_names
    scored = score_frozen_runs(
        preprocessing_runs, preprocessing_predictions, "variant", names, intervals
    )
    return preprocessing_table(scored, published_table_4)


def _run(
    name: str,
    rows: pd.DataFrame,
    training: TrainingSettings,
    facts: dict[str, Any],
    *,
    masked: bool,
) -> Run:
    lacks = "no radiograph has a lung mask" if masked and rows.empty else ""
    return Run(name, rows, training, facts=facts, lacks=lacks)


def _of_run(rows: pd.DataFrame, run: str) -> pd.DataFrame:
    return rows[rows["run"] == run].drop(columns="run").reset_index(drop=True)


def _variant_arrays(
    images: Images, augmented_images: Images, autoencoded_images: Images, lung_masks: Images
) -> PixelArrays:
    return {
        IMAGES: images,
        AUGMENTED_IMAGES: augmented_images,
        AUTOENCODED_IMAGES: autoencoded_images,
        MASKED_IMAGES: MaskedImages(images, lung_masks),
    }
