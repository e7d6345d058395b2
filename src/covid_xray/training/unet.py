"""Training of the U-Net on augmented pairs of radiograph and lung mask (Report B)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from numpy.typing import NDArray

from covid_xray.imaging.augmentation import augment_pair
from covid_xray.models.settings import UNetSettings
from covid_xray.models.unet import as_input
from covid_xray.training.batches import ShuffledBatches, SplitRows
from covid_xray.training.fitting import run_epochs

_SMOOTH = 1.0  # keeps the Dice of two empty masks at 1
Images = NDArray[np.uint8]


def overlap_loss(true: Any, predicted: Any) -> Any:
    """Binary cross-entropy plus one minus the soft Dice of each mask (Milletari et al., 2016)."""
    entropy = ops.mean(keras.losses.binary_crossentropy(true, predicted))
    return entropy + 1 - ops.mean(_soft_dice(true, predicted))


def dice(true: Any, predicted: Any) -> Any:
    """Dice of each mask where the probability is above one half, (n,).

    Keras averages it over the pairs: means of batches would give a short last one too much weight.
    """
    return _soft_dice(true, ops.cast(predicted > 0.5, "float32"))


def _soft_dice(true: Any, predicted: Any) -> Any:
    true = ops.cast(true, "float32")
    common = ops.sum(true * predicted, axis=(1, 2, 3))
    both = ops.sum(true, axis=(1, 2, 3)) + ops.sum(predicted, axis=(1, 2, 3))
    return (2 * common + _SMOOTH) / (both + _SMOOTH)


def train_unet(
    model: keras.Model,
    images: Images,
    masks: Images,
    rows: SplitRows,
    settings: UNetSettings,
) -> pd.DataFrame:
    """Train in place on augmented pairs read batch by batch; the best validation Dice is kept.

    Args:
        model: model of `build_unet`.
        images: uint8 array (n, side, side).
        masks: 0/1 uint8 array (n, side, side).
        rows: rows to train on, and those that choose the epoch whose weights are kept.
        settings: hyper-parameters.

    Returns:
        Table `UNET_HISTORY`.

    Raises:
        TrainingError: if there is no training or no validation pair.
    """
    rows.check("pairs")
    training = AugmentedPairs(images, masks, rows.train, settings)
    validation = ShuffledBatches(
        lambda chosen: (as_input(images[chosen]), as_input(masks[chosen])),
        rows.validation,
        settings.batch_size,
    )
    keras.utils.set_random_seed(settings.seed)
    rate = _learning_rate(settings, settings.epochs * len(training))
    model.compile(keras.optimizers.Adam(rate), loss=overlap_loss, metrics=[dice])
    best = keras.callbacks.EarlyStopping(
        "val_dice", mode="max", patience=settings.patience, restore_best_weights=True
    )
    return run_epochs(model, training, validation, settings.epochs, [best])


def _learning_rate(settings: UNetSettings, steps: int) -> Any:
    """A warm-up over a twentieth of the steps, then a cosine (Loshchilov & Hutter, 2017)."""
    return keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10,
        steps,
        alpha=0.01,
        warmup_target=settings.learning_rate,
        warmup_steps=max(steps // 20, 1),
    )


class AugmentedPairs(ShuffledBatches):
    """Shuffled pairs, each augmented anew in every epoch by a seed of its own.

    Args:
        images: uint8 array (n, side, side).
        masks: 0/1 uint8 array (n, side, side).
        rows: rows to train on.
        settings: batch size, augmentation and seed.
    """

    def __init__(
        self, images: Images, masks: Images, rows: NDArray[np.intp], settings: UNetSettings
    ) -> None:
        self._images, self._masks, self._settings = images, masks, settings
        super().__init__(self._augmented, rows, settings.batch_size, settings.seed)

    def _augmented(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        pairs = [
            augment_pair(
                self._images[row],
                self._masks[row],
                [self._settings.seed, self._epoch, int(row)],
                self._settings.augmentation,
            )
            for row in rows
        ]
        pixels, masks = zip(*pairs, strict=True)
        return as_input(np.stack(pixels)), as_input(np.stack(masks))
