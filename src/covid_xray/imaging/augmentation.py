"""Offline augmentation with Keras layers (Report A, section Sur- et sous-échantillonnage).

Zoom, rotation, contrast and brightness, in the report's order; flips are left out because they
would undo the asymmetry of the body. This module imports Keras: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream
from covid_xray.progress import progress

GREY_RANGE = (0, 255)


def augmentation_layers(n_layers: int, factor: float) -> list[keras.layers.Layer]:
    """The first `n_layers` of the report's transformations (Table 2, "nombre de couches").

    Args:
        n_layers: 1 to 4: zoom; and rotation; and contrast; and brightness.
        factor: amplitude of each ("valeur argument"), as Keras understands it: a share of the
            picture's side, of a full turn, of the contrast, and of the grey range.
    """
    layers = [
        keras.layers.RandomZoom(factor, fill_mode="reflect"),
        keras.layers.RandomRotation(factor, fill_mode="reflect"),
        keras.layers.RandomContrast(factor, value_range=GREY_RANGE),
        keras.layers.RandomBrightness(factor, value_range=GREY_RANGE),
    ]
    return layers[:n_layers]


def augment_radiograph(
    pixels: NDArray[np.uint8], layers: Sequence[keras.layers.Layer], seed: int
) -> NDArray[np.uint8]:
    """One augmented child of a radiograph, which depends on nothing but these arguments.

    Args:
        pixels: uint8 array (side, side).
        layers: layers of `augmentation_layers`.
        seed: the child's own seed; every layer draws from it separately.

    Returns:
        uint8 array (side, side), grey 0-255 (scaled by 1/255 where it is read).
    """
    image = pixels[None, :, :, None].astype("float32")
    layer_seeds = np.random.SeedSequence(seed).generate_state(len(layers)) >> 1
    for layer, layer_seed in zip(layers, layer_seeds, strict=True):
        drawn = layer.get_random_transformation(image, training=True, seed=int(layer_seed))
        image = layer.transform_images(image, drawn, training=True)
    grey = keras.ops.convert_to_numpy(image)[0, :, :, 0]
    rounded: NDArray[np.uint8] = np.clip(np.rint(grey), *GREY_RANGE).astype(np.uint8)
    return rounded


def augment_radiographs(
    images: NDArray[np.uint8],
    parent_rows: Sequence[int],
    seeds: Sequence[int],
    *,
    n_layers: int,
    factor: float,
    batch_size: int,
) -> RowStream:
    """All augmented children, in batches that are made as they are read.

    Args:
        images: uint8 array (n, side, side).
        parent_rows: row of `images` of each child's parent.
        seeds: seed of each child.
        n_layers: number of transformations, 1 to 4.
        factor: amplitude of each transformation.
        batch_size: children made between two writes to disk; the pixels do not depend on it.
    """
    layers = augmentation_layers(n_layers, factor)
    shape = (len(parent_rows), *images.shape[1:])

    def batches() -> Iterator[NDArray[np.uint8]]:
        starts = range(0, len(parent_rows), batch_size)
        for start in progress(starts, "Augmenting radiographs", len(starts)):
            rows, own = parent_rows[start : start + batch_size], seeds[start : start + batch_size]
            children = zip(rows, own, strict=True)
            yield np.stack(
                [augment_radiograph(images[row], layers, seed) for row, seed in children]
            )

    return RowStream(shape, np.uint8, batches())
