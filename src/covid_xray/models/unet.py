"""A compact U-Net that finds the lungs (Ronneberger et al., MICCAI 2015; Report B)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from numpy.typing import NDArray

from covid_xray.imaging.augmentation import augment_pair
from covid_xray.imaging.lung_masks import clean_lung_mask, count_components
from covid_xray.models.settings import UNetSettings
from covid_xray.training.fitting import ShuffledBatches, TrainingError, run_epochs

_SMOOTH = 1.0  # keeps the Dice of two empty masks at 1
Images = NDArray[np.uint8]


def build_unet(settings: UNetSettings, side: int) -> keras.Model:
    """Build an untrained U-Net; the same settings give the same weights.

    Each radiograph is standardised inside the model, because brightness and contrast say where a
    radiograph was taken and not where its lungs are.

    Args:
        settings: filters of each level, the deepest last, and the seed.
        side: height and width of radiographs and masks, in pixels.

    Returns:
        A model from grey radiographs (n, side, side, 1), 0-255, to lung probabilities of the same
        shape.

    Raises:
        ValueError: if `side` can't be halved at every level.
    """
    keras.utils.set_random_seed(settings.seed)
    halvings = 2 ** (len(settings.filters) - 1)
    if side % halvings:
        raise ValueError(
            f"Masks have {side} pixels a side (reading.side), which {len(settings.filters)} levels "
            f"of segmentation.unet.filters can't halve: make it a multiple of {halvings}."
        )
    layers = keras.layers
    radiograph = keras.Input((side, side, 1), name="radiograph")
    standard = layers.LayerNormalization(
        axis=[1, 2, 3], center=False, scale=False, epsilon=1.0, name="standardised"
    )
    flow = standard(radiograph)
    skipped = []
    for filters in settings.filters[:-1]:
        flow = _convolve_twice(flow, filters)
        skipped.append(flow)
        flow = layers.MaxPooling2D()(flow)
    flow = _convolve_twice(flow, settings.filters[-1])
    for filters in reversed(settings.filters[:-1]):
        flow = layers.Conv2DTranspose(filters, 2, strides=2)(flow)
        flow = _convolve_twice(layers.Concatenate()([flow, skipped.pop()]), filters)
    lungs = layers.Conv2D(1, 1, activation="sigmoid", name="lungs")(flow)
    return keras.Model(radiograph, lungs, name="unet")


def _convolve_twice(flow: Any, filters: int) -> Any:
    layers = keras.layers
    for _ in range(2):
        flow = layers.Conv2D(filters, 3, padding="same", use_bias=False)(flow)
        # A quicker average than Keras's 0.99, for trainings of a few hundred steps.
        flow = layers.BatchNormalization(momentum=0.9)(flow)
        flow = layers.Activation("relu")(flow)
    return flow


def overlap_loss(true: Any, predicted: Any) -> Any:
    """Binary cross-entropy plus one minus the soft Dice of each mask (Milletari et al., 2016)."""
    entropy = ops.mean(keras.losses.binary_crossentropy(true, predicted))
    return entropy + 1 - ops.mean(_soft_dice(true, predicted))


def dice(true: Any, predicted: Any) -> Any:
    """Mean Dice of the masks where the probability is above one half."""
    return ops.mean(_soft_dice(true, ops.cast(predicted > 0.5, "float32")))


def _soft_dice(true: Any, predicted: Any) -> Any:
    true = ops.cast(true, "float32")
    common = ops.sum(true * predicted, axis=(1, 2, 3))
    both = ops.sum(true, axis=(1, 2, 3)) + ops.sum(predicted, axis=(1, 2, 3))
    return (2 * common + _SMOOTH) / (both + _SMOOTH)


def train_unet(
    model: keras.Model,
    images: Images,
    masks: Images,
    *,
    train_rows: NDArray[np.intp],
    validation_rows: NDArray[np.intp],
    settings: UNetSettings,
) -> pd.DataFrame:
    """Train in place on augmented pairs read batch by batch; the best validation Dice is kept.

    The learning rate warms up over a twentieth of the steps and falls as a cosine
    (Loshchilov & Hutter, 2017).

    Args:
        model: model of `build_unet`.
        images: uint8 array (n, side, side).
        masks: 0/1 uint8 array (n, side, side).
        train_rows: rows to train on.
        validation_rows: rows that choose the epoch whose weights are kept.
        settings: hyper-parameters.

    Returns:
        One row per epoch: `epoch, loss, dice, val_loss, val_dice`.

    Raises:
        TrainingError: if there is no training or no validation pair.
    """
    if not len(train_rows) or not len(validation_rows):
        raise TrainingError(
            "A U-Net needs pairs to train on and to validate on, and there are "
            f"{len(train_rows)} and {len(validation_rows)}."
        )
    training = _AugmentedPairs(images, masks, train_rows, settings)
    validation = ShuffledBatches(
        lambda rows: (_as_input(images[rows]), _as_input(masks[rows])),
        validation_rows,
        settings.batch_size,
    )
    keras.utils.set_random_seed(settings.seed)
    steps = settings.epochs * len(training)
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10,
        steps,
        alpha=0.01,
        warmup_target=settings.learning_rate,
        warmup_steps=max(steps // 20, 1),
    )
    model.compile(keras.optimizers.Adam(rate), loss=overlap_loss, metrics=[dice])
    best = keras.callbacks.EarlyStopping(
        "val_dice", mode="max", patience=settings.patience, restore_best_weights=True
    )
    return run_epochs(model, training, validation, settings.epochs, [best])


class _AugmentedPairs(ShuffledBatches):
    """Shuffled pairs, each augmented anew in every epoch by a seed of its own."""

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
        return _as_input(np.stack(pixels)), _as_input(np.stack(masks))


def without_training(model: keras.Model) -> keras.Model:
    """The same layers without loss and optimiser: their file needs no code of this project."""
    return keras.Model(model.inputs, model.outputs, name=model.name)


def predict_masks(
    model: keras.Model, images: Images, rows: NDArray[np.intp], batch_size: int
) -> Iterator[tuple[Images, NDArray[np.intp]]]:
    """Lung masks, batch by batch, cleaned of all but the two largest components and of holes.

    Args:
        model: trained U-Net.
        images: uint8 array (n, side, side), of the U-Net's own side.
        rows: rows to predict.
        batch_size: radiographs at a time.

    Yields:
        0/1 uint8 masks (batch, side, side), and the number of components before cleaning (batch,).
    """
    for start in range(0, len(rows), batch_size):
        pixels = images[rows[start : start + batch_size]]
        probabilities = model.predict_on_batch(_as_input(pixels))
        raw = (probabilities[..., 0] > 0.5).astype(np.uint8)
        yield np.stack([clean_lung_mask(mask) for mask in raw]), _components(raw)


def _components(masks: Images) -> NDArray[np.intp]:
    return np.array([count_components(mask) for mask in masks], dtype=np.intp)


def mean_mask(masks: Images, rows: Sequence[int] | NDArray[np.intp]) -> Images:
    """The pixels that are lung in at least half of some masks: what knows no radiograph predicts.

    Args:
        masks: 0/1 uint8 array (n, side, side).
        rows: training rows.
    """
    total = np.zeros(masks.shape[1:], np.int64)
    for row in rows:
        total += masks[row]
    return (2 * total >= len(rows)).astype(np.uint8)


def _as_input(pixels: Images) -> NDArray[np.float32]:
    return pixels[..., None].astype(np.float32)
