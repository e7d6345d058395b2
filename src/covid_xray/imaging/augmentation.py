"""Offline augmentation with Keras layers (Report A, section Sur- et sous-échantillonnage).

Zoom, rotation, contrast and brightness, in the report's order; flips are left out because they
would undo the asymmetry of the body. The layers run in processes of their own, which use every
processor and keep Keras and its backend out of the process that reads and splits a study.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covid_xray.imaging.arrays import scratch_array
from covid_xray.progress import progress

GREY_RANGE = (0, 255)
# Zoom and rotation move pixels; contrast and brightness, which follow, only change their grey.
_MOVING_LAYERS = 2
# Below this many children, starting another process (with a Keras of its own) takes longer than
# it saves.
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


def augment_lung_mask(
    mask: NDArray[np.uint8], seed: int, *, n_layers: int, factor: float
) -> NDArray[np.uint8]:
    """The lung mask of an augmented child: its parent's mask, moved as the child was.

    Args:
        mask: 0/1 uint8 array (side, side); all 0 where there is no mask.
        seed: the child's own seed.
        n_layers: number of transformations of the child, 1 to 4.
        factor: amplitude of each transformation.

    Returns:
        0/1 uint8 array (side, side).
    """
    if not mask.any():
        return mask
    moving = min(n_layers, _MOVING_LAYERS)
    grey = augment_radiograph(mask * np.uint8(255), seed, n_layers=moving, factor=factor)
    return (grey >= 128).astype(np.uint8)


def augment_radiographs(
    images: NDArray[np.uint8],
    masks: NDArray[np.uint8],
    parent_rows: Sequence[int],
    seeds: Sequence[int],
    *,
    n_layers: int,
    factor: float,
    batch_size: int,
    workers: int | None = None,
    scratch_folder: Path | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All augmented children with their lung masks, on disk until they are saved.

    The pixels depend neither on `batch_size` nor on `workers`.

    Args:
        images: uint8 array (n, side, side).
        masks: 0/1 uint8 array (n, side, side).
        parent_rows: row of `images` of each child's parent.
        seeds: seed of each child.
        n_layers: number of transformations, 1 to 4.
        factor: amplitude of each transformation.
        batch_size: children made at once by a process.
        workers: processes; as many as the processors if None, fewer for few children.
        scratch_folder: where the children are built; the system's temporary folder if None.

    Returns:
        The children, uint8 (n_children, side, side), and their masks, 0/1 of the same shape.
    """
    shape = (len(parent_rows), *images.shape[1:])
    children, child_masks = (scratch_array(shape, np.uint8, scratch_folder) for _ in range(2))
    most_useful = max(len(parent_rows) // _CHILDREN_PER_WORKER, 1)
    n_workers = workers or min(os.cpu_count() or 1, most_useful)

    def jobs() -> Iterator[tuple[slice, _Batch]]:
        for start in range(0, len(parent_rows), batch_size):
            batch = slice(start, start + batch_size)
            rows = np.asarray(parent_rows[batch], dtype=np.intp)
            yield batch, _Batch(images[rows], masks[rows], seeds[batch], n_layers, factor)

    n_batches = -(-len(parent_rows) // batch_size)
    # One process besides this one only keeps Keras out of it, which is too late once it is here.
    here = n_workers == 1 and "keras" in sys.modules
    done = _run_here(jobs()) if here else _run_in_processes(jobs(), n_workers)
    for batch, (pixels, moved) in progress(done, "Augmenting radiographs", n_batches):
        children[batch], child_masks[batch] = pixels, moved
    return children, child_masks  # type: ignore[return-value]


@dataclass(frozen=True)
class _Batch:
    """What a process needs to make some children."""

    parents: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    seeds: Sequence[int]
    n_layers: int
    factor: float

    def augment(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        how = {"n_layers": self.n_layers, "factor": self.factor}
        of = zip(self.parents, self.masks, self.seeds, strict=True)
        pairs = [
            (augment_radiograph(pixels, seed, **how), augment_lung_mask(mask, seed, **how))  # type: ignore[arg-type]
            for pixels, mask, seed in of
        ]
        children, masks = zip(*pairs, strict=True)
        return np.stack(children), np.stack(masks)


def _run_here(
    jobs: Iterable[tuple[slice, _Batch]],
) -> Iterator[tuple[slice, tuple[NDArray[np.uint8], NDArray[np.uint8]]]]:
    for place, job in jobs:
        yield place, job.augment()


def _run_in_processes(
    jobs: Iterable[tuple[slice, _Batch]], n_workers: int
) -> Iterator[tuple[slice, tuple[NDArray[np.uint8], NDArray[np.uint8]]]]:
    # A fresh interpreter per worker: TensorFlow does not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, spawn, initializer=_end_with_parent) as pool:
        waiting: deque[tuple[slice, Future[Any]]] = deque()
        for place, job in jobs:
            waiting.append((place, pool.submit(job.augment)))
            # Two batches ahead per worker keep all busy and the memory bounded.
            if len(waiting) > 2 * n_workers:
                done, result = waiting.popleft()
                yield done, result.result()
        for done, result in waiting:
            yield done, result.result()


def _end_with_parent() -> None:
    """Keep a worker from outliving a run that was killed, waiting for work that never comes."""
    parent = multiprocessing.parent_process()

    def wait_and_end() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()
