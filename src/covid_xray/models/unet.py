"""A compact U-Net that finds the lungs (Ronneberger et al., MICCAI 2015; Report B)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.overlap import dice
from covid_xray.imaging.arrays import scratch_array
from covid_xray.imaging.lung_masks import clean_lung_mask, count_components
from covid_xray.models.settings import UNetSettings
from covid_xray.progress import progress

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
    # Layers are numbered from 1, whatever was built before: their names are in the model's file.
    keras.utils.clear_session()
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
        probabilities = model.predict_on_batch(as_input(pixels))
        raw = (probabilities[..., 0] > 0.5).astype(np.uint8)
        n_components = np.array([count_components(mask) for mask in raw], dtype=np.intp)
        yield np.stack([clean_lung_mask(mask) for mask in raw]), n_components


def find_lungs(
    model: keras.Model,
    images: Images,
    masks: Images,
    batch_size: int,
    scratch_folder: Path | None = None,
) -> tuple[Images, pd.DataFrame]:
    """Predict a lung mask for every radiograph, and judge each.

    Args:
        model: trained U-Net.
        images: uint8 array (n, side, side).
        masks: given masks, 0/1 uint8 array of the same shape, all 0 where there is none.
        batch_size: radiographs at a time.
        scratch_folder: where the masks are built; the system's temporary folder if None.

    Returns:
        0/1 uint8 masks (n, side, side), on disk until they are saved; and a row per radiograph:
        `area` (share of the picture), `n_components` (before all but two were removed) and
        `agreement` (Dice with the given mask, missing without one).
    """
    found = scratch_array(images.shape, np.uint8, scratch_folder)
    quality: list[tuple[float, int, float]] = []
    batches = predict_masks(model, images, np.arange(len(images)), batch_size)
    n_batches = -(-len(images) // batch_size)
    for batch, components in progress(batches, "Finding the lungs", n_batches):
        place = slice(len(quality), len(quality) + len(batch))
        found[place] = batch
        quality += [
            (mask.mean(), n, dice(mask, own) if own.any() else np.nan)
            for mask, n, own in zip(batch, components, masks[place], strict=True)
        ]
    judged = pd.DataFrame(quality, columns=["area", "n_components", "agreement"])
    return found, judged  # type: ignore[return-value]


def as_input(pixels: Images) -> NDArray[np.float32]:
    """The U-Net's input or output, float32 (n, side, side, 1), of radiographs or masks."""
    return pixels[..., None].astype(np.float32)
