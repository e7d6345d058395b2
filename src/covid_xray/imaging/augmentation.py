"""Offline augmentation with Keras layers (Report A, section Sur- et sous-échantillonnage).

Zoom, rotation, contrast and brightness, in the report's order; flips are left out because they
would undo the asymmetry of the body. The layers run in processes of their own, which use every
processor and keep Keras and its backend out of the process that reads and splits a study.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import RowStream
from covid_xray.progress import progress

GREY_RANGE = (0, 255)
# Below this many children, starting another process takes longer than it saves.
_CHILDREN_PER_WORKER = 200


@lru_cache
def augmentation_layers(n_layers: int, factor: float) -> tuple[Any, ...]:
    """The first `n_layers` of the report's transformations (Table 2, "nombre de couches").

    Args:
        n_layers: 1 to 4: zoom; and rotation; and contrast; and brightness.
        factor: amplitude of each ("valeur argument"), as Keras understands it: a share of the
            picture's side, of a full turn, of the contrast, and of the grey range.
    """
    import keras

    layers = (
        keras.layers.RandomZoom(factor, fill_mode="reflect"),
        keras.layers.RandomRotation(factor, fill_mode="reflect"),
        keras.layers.RandomContrast(factor, value_range=GREY_RANGE),
        keras.layers.RandomBrightness(factor, value_range=GREY_RANGE),
    )
    return layers[:n_layers]


def augment_radiograph(
    pixels: NDArray[np.uint8], seed: int, *, n_layers: int, factor: float
) -> NDArray[np.uint8]:
    """One augmented child of a radiograph, which depends on nothing but these arguments.

    Args:
        pixels: uint8 array (side, side).
        seed: the child's own seed; every layer draws from it separately.
        n_layers: number of transformations, 1 to 4.
        factor: amplitude of each transformation.

    Returns:
        uint8 array (side, side), grey 0-255 (scaled by 1/255 where it is read).
    """
    import keras

    layers = augmentation_layers(n_layers, factor)
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
    workers: int | None = None,
) -> RowStream:
    """All augmented children, in batches that are made as they are read.

    The pixels depend neither on `batch_size` nor on `workers`.

    Args:
        images: uint8 array (n, side, side).
        parent_rows: row of `images` of each child's parent.
        seeds: seed of each child.
        n_layers: number of transformations, 1 to 4.
        factor: amplitude of each transformation.
        batch_size: children made at once by a process.
        workers: processes; as many as the processors if None, fewer for few children.
    """
    shape = (len(parent_rows), *images.shape[1:])
    most_useful = max(len(parent_rows) // _CHILDREN_PER_WORKER, 1)
    n_workers = workers or min(os.cpu_count() or 1, most_useful)

    def batches() -> Iterator[NDArray[np.uint8]]:
        if not len(parent_rows):
            return
        # A fresh interpreter per worker: TensorFlow does not survive a fork.
        spawn = multiprocessing.get_context("spawn")
        starts = range(0, len(parent_rows), batch_size)
        with ProcessPoolExecutor(n_workers, spawn, initializer=_end_with_parent) as pool:
            waiting: deque[Future[NDArray[np.uint8]]] = deque()
            for start in progress(starts, "Augmenting radiographs", len(starts)):
                batch = slice(start, start + batch_size)
                parents = images[np.asarray(parent_rows[batch], dtype=np.intp)]
                job = pool.submit(_augment_batch, parents, seeds[batch], n_layers, factor)
                waiting.append(job)
                # Two batches ahead per worker keep all busy and the memory bounded.
                if len(waiting) > 2 * n_workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    return RowStream(shape, np.uint8, batches())


def _end_with_parent() -> None:
    """Keep a worker from outliving a run that was killed, waiting for work that never comes."""
    parent = multiprocessing.parent_process()

    def wait_and_end() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()


def _augment_batch(
    parents: NDArray[np.uint8], seeds: Sequence[int], n_layers: int, factor: float
) -> NDArray[np.uint8]:
    children = [
        augment_radiograph(pixels, seed, n_layers=n_layers, factor=factor)
        for pixels, seed in zip(parents, seeds, strict=True)
    ]
    return np.stack(children)
